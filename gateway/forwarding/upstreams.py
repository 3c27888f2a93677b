"""The ways to all parts: made of the settings, and asked how the parts are."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

from pydantic import BaseModel, ValidationError

from gateway.forwarding.calls import call
from gateway.forwarding.http import HttpForwarder
from gateway.forwarding.pool import Bounds
from gateway.forwarding.port import Forwarded, Forwarder, Headers
from gateway.settings import GatewaySettings
from shared.clock import Clock
from shared.observability.logging import get_logger
from shared.readiness import Finding, Journal, Standing, State
from shared.remembered import Remembered
from shared.web import Problem, sign_headers

PARTS = ("coupon", "segments", "journey", "inventory")
_ASK_SECONDS = 3.0
"""A part has two for its own look."""
_PATIENCE_SECONDS = 0.5
"""Whoever asks the gateway has a deadline of their own, and must not turn away because a service is slow to answer."""


class _Told(BaseModel):
    parts: list[Standing]


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
        most_streams=settings.upstream_streams,
        stream_seconds=settings.upstream_stream_seconds,
    )
    urls = {name: getattr(settings, f"{name}_url") for name in PARTS}
    return {name: HttpForwarder(name, url.split(","), sign, bounds) for name, url in urls.items() if url}


class Upstreams:
    """How the parts behind the gateway are, by what each says of itself. They are asked when somebody asks us."""

    def __init__(self, forwarders: Mapping[str, Forwarder], clock: Clock) -> None:
        self._forwarders = forwarders
        self._journals = {name: Journal(name, clock, get_logger(part="gateway")) for name in forwarders}
        self._asking = Remembered(self._ask_all)
        self._last: list[Standing] = []

    async def checks(self) -> list[Standing]:
        """Every check of every part. What runs in this process is required for its work; a service elsewhere is not: its calls
        get 503, and the other services' calls go on. What a slow service says is told the next time.
        """
        required = any(forwarder.in_process for forwarder in self._forwarders.values())
        with suppress(TimeoutError):
            async with asyncio.timeout(None if required else _PATIENCE_SECONDS):
                await self._asking.read()
        return list(self._last)

    async def _ask_all(self) -> None:
        found = await asyncio.gather(*(self._ask(name) for name in self._forwarders))
        self._last = [check for part in found for check in part]

    async def _ask(self, name: str) -> list[Standing]:
        forwarder = self._forwarders[name]
        try:
            status, body = await call(forwarder, "/readyz", _ASK_SECONDS)
        except (Problem, TimeoutError) as error:
            detail = error.detail if isinstance(error, Problem) else "gives no answer in time"
            return self._reached(name, State.DOWN, detail)
        reached = self._reached(name, State.OK, "answers")
        try:
            told = _Told.model_validate_json(body).parts
        except ValidationError:
            return reached if status == 200 else self._reached(name, State.DOWN, f"is not ready: it answers {status}")
        return reached + [replace(check, required=check.required and forwarder.in_process) for check in told]

    def _reached(self, name: str, state: State, detail: str) -> list[Standing]:
        return self._journals[name].note([Finding("service", state, detail, self._forwarders[name].in_process)])
