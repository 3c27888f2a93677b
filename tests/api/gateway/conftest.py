"""A gateway in front of fake parts, with clients that hold keys."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
from api.gateway.sourcekit import PAID, signed
from kit.gateway import ADMIN_KEY, Suite
from kit.upstream import FakePart

from gateway.app import Gateway, create_gateway
from gateway.forwarding.embedded import AsgiForwarder
from gateway.forwarding.port import Forwarder
from gateway.route_table import RouteTable
from gateway.routes import ROUTES as REAL
from gateway.routes import Route
from gateway.settings import GatewaySettings
from shared.clock import ManualClock

RunGateway = Callable[..., Awaitable[Suite]]
EXTRA = (
    Route("POST", "/v1/things", "coupon:things:write", "coupon"),
    Route("GET", "/v1/things/{thing_id}", "coupon:things:read", "coupon"),
    Route("GET", "/v1/things/special", "coupon:special:read", "coupon"),
    Route("POST", "/v1/things/import", "coupon:things:write", "coupon", body_limit=4 << 20),
)


@pytest.fixture
async def run_gateway(run_service: Any) -> AsyncIterator[RunGateway]:
    """`await run_gateway(failures_per_minute=3)`; `upstreams` replaces the fake coupon and segments parts."""
    suites: list[Suite] = []

    async def run(upstreams: dict[str, Forwarder] | None = None, **settings: Any) -> Suite:
        parts = {"coupon": FakePart(), "segments": FakePart()}
        behind = upstreams or {name: AsgiForwarder(part) for name, part in parts.items()}
        extra = tuple(route for route in EXTRA if route not in REAL)

        def create(own: GatewaySettings, bus: Any, clock: Any) -> Gateway:
            return create_gateway(own, bus, clock, behind, RouteTable((*REAL, *extra)))

        chosen = {"admin_key": ADMIN_KEY, "webhooks_allow_private": True, **settings}
        suite = Suite(await run_service(create, GatewaySettings, **chosen), parts)
        suites.append(suite)
        return suite

    yield run
    for suite in suites:
        for client in suite.clients:
            await client.aclose()


@pytest.fixture
async def suite(run_gateway: RunGateway) -> Suite:
    return await run_gateway()


@pytest.fixture
def post(suite: Suite, clock: ManualClock) -> Callable[..., Awaitable[httpx.Response]]:
    """`await post(source, document, "msg_1")` sends a webhook as the source's partner would, from `address`."""

    async def send(
        source: dict[str, Any],
        document: Any = PAID,
        delivery_id: str = "msg_1",
        address: str = "203.0.113.9",
        **other: Any,
    ) -> httpx.Response:
        body = document if isinstance(document, bytes) else json.dumps(document, ensure_ascii=False).encode()
        headers = signed(source, body, delivery_id, other.get("at", clock.now())) | other.get("headers", {})
        return await suite.client(None, address).post(source["url"], content=body, headers=headers)

    return send
