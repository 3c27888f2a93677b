"""The ways to all parts: made of the settings, and asked whether they are ready."""

import asyncio
from collections.abc import Mapping

from pydantic_core import from_json

from gateway.forwarding.calls import call
from gateway.forwarding.http import HttpForwarder
from gateway.forwarding.pool import Bounds
from gateway.forwarding.port import Forwarded, Forwarder, Headers
from gateway.settings import GatewaySettings
from shared.clock import Clock
from shared.web import Problem, sign_headers

PARTS = ("coupon", "segments", "journey", "inventory")


def http_upstreams(settings: GatewaySettings, clock: Clock) -> dict[str, Forwarder]:
    """Forwarders to the parts that settings tell the URL of (`QUANYU_COUPON_URL` …), for a gateway of its own."""
    secret = settings.resolved_internal_secret()

    def sign(request: Forwarded) -> Headers:
        if request.caller is None:
            return []
        return sign_headers(request.caller, secret, clock.now(), request.method, request.raw_path)

    bounds = Bounds(
        most=settings.upstream_connections,
        most_waiting=settings.upstream_waiting,
        deadline_seconds=settings.upstream_seconds,
        idle_seconds=settings.upstream_idle_seconds,
    )
    urls = {name: getattr(settings, f"{name}_url") for name in PARTS}
    return {name: HttpForwarder(name, url, sign, bounds) for name, url in urls.items() if url}


async def troubles(upstreams: Mapping[str, Forwarder]) -> list[str]:
    """What keeps the parts from serving, one sentence each that begins with the part's name."""
    found = await asyncio.gather(*(_troubles(name, forwarder) for name, forwarder in upstreams.items()))
    return [trouble for part in found for trouble in part]


async def _troubles(name: str, forwarder: Forwarder) -> list[str]:
    try:
        status, body = await call(forwarder, "/readyz")
    except (Problem, TimeoutError) as error:
        return [f"{name}: {error.detail if isinstance(error, Problem) else 'gives no answer in time'}"]
    if status == 200:
        return []
    try:
        return [str(check) for check in from_json(body)["checks"]] or [f"{name} is not ready"]
    except (ValueError, KeyError, TypeError):
        return [f"{name} is not ready: it answers {status}"]
