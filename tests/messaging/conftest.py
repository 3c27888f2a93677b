"""The arrangements as a fixture: every conformance test runs in all three."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from kit import servers
from kit.postgres import TestDatabase
from messaging.arrangement import Arrangement, arrange
from messaging.probe import create_probe

from shared.messaging import Bus, Subscription
from shared.service import Service

RunProbe = Callable[..., Awaitable[Service]]


@pytest.fixture(params=["local-sqlite", "local-postgresql", "rabbit"])
def servers_of_arrangement(request: pytest.FixtureRequest) -> tuple[str, str | None]:
    """Its kind, and an empty PostgreSQL database where it needs one."""
    kind: str = request.param
    if kind == "local-sqlite":
        return kind, None
    if kind == "rabbit":
        servers.require("rabbitmq")
    database: TestDatabase = request.getfixturevalue("_worker_database")
    database.clear()
    return kind, database.url


@pytest.fixture
async def arrangement(servers_of_arrangement: tuple[str, str | None], tmp_path: Path) -> AsyncIterator[Arrangement]:
    """A bus and a database of the test's own."""
    kind, url = servers_of_arrangement
    async with arrange(kind, tmp_path, url) as found:
        yield found


@pytest.fixture
async def run_probe(arrangement: Arrangement) -> AsyncIterator[RunProbe]:
    """Starts the probe on one bus: `await run_probe(recording(FIRST, StockLow))`. All share the test's first bus."""
    async with AsyncExitStack() as stack:
        buses: list[Bus] = []

        async def run(*subscriptions: Subscription, bus: Bus | None = None, **options: Any) -> Service:
            if bus is None:
                bus = arrangement.place.bus(**options)
                await bus.start()
                buses.append(bus)
                stack.push_async_callback(bus.stop)
            service = create_probe(arrangement.place.settings(), bus, subscriptions=subscriptions)
            return await stack.enter_async_context(service.running())

        yield run
