"""A gateway in front of the real services, for attacks on it: in one process, and with each part behind a server of its own."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import uvloop
from api.gateway.conftest import post, run_gateway, suite
from conftest import RunService
from kit.gateway import ADMIN_KEY, Suite
from kit.services import INTERNAL_SECRET
from kit.serving import serving
from kit.upstream import FakePart

from gateway.app import Gateway, create_gateway
from gateway.forwarding.embedded import AsgiForwarder
from gateway.forwarding.port import Forwarder
from gateway.forwarding.upstreams import http_upstreams
from gateway.settings import GatewaySettings
from services.coupon.app import create_service as coupon
from services.coupon.settings import CouponSettings
from services.inventory.app import create_service as inventory
from services.inventory.settings import InventorySettings
from services.segments.app import create_service as segments
from services.segments.settings import SegmentsSettings
from shared.clock import Clock, ManualClock
from shared.db import Database
from shared.messaging import Bus, LocalBus

__all__ = ["post", "run_gateway", "suite"]
Replica = Callable[[], Awaitable[Suite]]

SERVICES = {
    "coupon": (coupon, CouponSettings),
    "segments": (segments, SegmentsSettings),
    "inventory": (inventory, InventorySettings),
}


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """What is played at a connection runs on the loop that production has."""
    at_a_connection = hasattr(getattr(item, "module", None), "at_the_door")
    return {"loop": uvloop.new_event_loop if at_a_connection else asyncio.new_event_loop}


@pytest.fixture(params=["embedded", "over_http"])
async def door(request: pytest.FixtureRequest, run_service: RunService, clock: ManualClock) -> AsyncIterator[Suite]:
    """The public door of a running suite: `door.client(key)`, `await door.key(kind="publishable")`."""
    async with AsyncExitStack() as stack:
        running = {name: await run_service(create, kind) for name, (create, kind) in SERVICES.items()}
        upstreams: dict[str, Forwarder] = {name: AsgiForwarder(one.service.app) for name, one in running.items()}
        if request.param == "over_http":
            urls: dict[str, Any] = {
                f"{name}_url": await stack.enter_async_context(serving(one.service.app))
                for name, one in running.items()
            }
            upstreams = dict(http_upstreams(GatewaySettings(internal_secret=INTERNAL_SECRET, **urls), clock))

        def create(own: GatewaySettings, bus: Bus, clock: Clock) -> Gateway:
            return create_gateway(own, bus, clock, upstreams)

        suite = Suite(await run_service(create, GatewaySettings, admin_key=ADMIN_KEY), {})
        yield suite
        for client in suite.clients:
            await client.aclose()


@pytest.fixture
async def replica(run_service: RunService, clock: ManualClock, tmp_path: Path) -> AsyncIterator[Replica]:
    """Starts one more gateway on the same database. The local bus is for one process, so each has one of its own."""
    buses: list[LocalBus] = []

    async def start() -> Suite:
        bus = LocalBus(Database(f"sqlite:///{tmp_path}/bus-{len(buses)}.db", schema="bus"), clock)
        buses.append(bus)
        await bus.start()

        def create(own: GatewaySettings, _bus: Bus, clock: Clock) -> Gateway:
            return create_gateway(own, bus, clock, {"coupon": AsgiForwarder(FakePart())})

        return Suite(await run_service(create, GatewaySettings, admin_key=ADMIN_KEY), {})

    yield start
    for bus in buses:
        await bus.stop()
