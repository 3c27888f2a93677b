"""A gateway in front of fake parts, with clients that hold keys."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from kit.services import RunningService
from kit.upstream import FakePart

from gateway.app import Gateway, create_gateway
from gateway.forwarding.embedded import AsgiForwarder
from gateway.forwarding.port import Forwarder
from gateway.keys.managing import new_key
from gateway.routes import ROUTES as REAL
from gateway.routes import Route, RouteTable
from gateway.settings import GatewaySettings

ADMIN_KEY = new_key("secret")
EXTRA = (
    Route("POST", "/v1/things", "coupon:things:write", "coupon"),
    Route("GET", "/v1/things/{thing_id}", "coupon:things:read", "coupon"),
    Route("GET", "/v1/things/special", "coupon:special:read", "coupon"),
    Route("POST", "/v1/things/import", "coupon:things:write", "coupon", body_limit=4 << 20),
)


@dataclass
class Suite:
    """The running gateway, its fake parts, and clients of its public door."""

    running: RunningService
    parts: dict[str, FakePart]
    clients: list[httpx.AsyncClient] = field(default_factory=list)

    @property
    def gateway(self) -> Gateway:
        assert isinstance(self.running.service, Gateway)
        return self.running.service

    def client(self, key: str | None = ADMIN_KEY, address: str = "198.51.100.7") -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.gateway.app, raise_app_exceptions=False, client=(address, 40000))
        headers = {"authorization": f"Bearer {key}"} if key else {}
        client = httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=headers, timeout=30)
        self.clients.append(client)
        return client

    async def key(self, **wanted: Any) -> str:
        """A new key, made by the administrator."""
        made = await self.client().post("/v1/keys", json={"name": "test", **wanted})
        assert made.status_code == 201, made.text
        key: str = made.json()["key"]
        return key


RunGateway = Callable[..., Awaitable[Suite]]


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
