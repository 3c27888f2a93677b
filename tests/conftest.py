"""Fixtures that every test may use: a clock, a fresh database on each backend, a bus, and services running on them."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from kit import runs, servers
from kit.broker import sweep
from kit.engines import SharedStatements
from kit.postgres import TestDatabase, drop
from kit.services import INTERNAL_SECRET, Recorder, RunningService

from shared.clock import ManualClock
from shared.db import Database
from shared.messaging import LocalBus
from shared.observability.logging import configure_logging
from shared.service import Service
from shared.settings import ServiceSettings

RunService = Callable[..., Awaitable[RunningService]]


def pytest_configure(config: pytest.Config) -> None:
    runs.this_run()  # before workers and children start, which inherit it
    if not hasattr(config, "workerinput"):
        runs.kill_orphans()
        for kind, name in runs.ledger().left_behind():
            if kind == "database" and servers.available("postgresql"):
                drop(name)
            elif kind == "broker" and servers.available("rabbitmq"):
                asyncio.run(sweep(name.split()))


@pytest.fixture(autouse=True, scope="session")
def _plain_logs() -> None:
    configure_logging("json", "warning")


@pytest.fixture(autouse=True, scope="session")
def _statements_compiled_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("shared.db.engine.create_async_engine", SharedStatements().create)
        yield


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("QUANYU_") and not name.startswith("QUANYU_TEST_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def clock() -> ManualClock:
    """2026-11-11 10:00 in Shanghai, and standing still."""
    return ManualClock(datetime(2026, 11, 11, 2, 0, tzinfo=UTC))


@dataclass(frozen=True)
class Backend:
    """Where a test's services keep their data."""

    dialect: str
    data_dir: Path
    database_url: str | None
    server: TestDatabase | None = None


@pytest.fixture(scope="session")
def _worker_database(worker_id: str) -> Iterator[TestDatabase]:
    servers.require("postgresql")
    database = TestDatabase(worker_id)
    database.create()
    yield database
    database.drop()


@pytest.fixture(scope="session")
def _migrated_files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.MigratedFiles]:
    folder = tmp_path_factory.mktemp("migrated")
    yield servers.MigratedFiles(folder)
    shutil.rmtree(folder)


@pytest.fixture(params=["sqlite", "postgresql"])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    """A fresh database on each of the two, one after the other."""
    if request.param == "sqlite":
        yield Backend("sqlite", tmp_path, None)
        return
    database: TestDatabase = request.getfixturevalue("_worker_database")
    database.clear()
    yield Backend("postgresql", tmp_path, database.url, database)


@pytest.fixture
async def bus(clock: ManualClock, tmp_path: Path) -> AsyncIterator[LocalBus]:
    """A local bus of its own, already started."""
    local = LocalBus(Database(f"sqlite:///{tmp_path}/bus.db", schema="bus"), clock)
    await local.start()
    yield local
    await local.stop()


@pytest.fixture
async def recorder(bus: LocalBus) -> Recorder:
    """Sees every message that goes over the test's bus."""
    found = Recorder()
    await found.attach(bus)
    return found


@pytest.fixture
async def run_service(
    backend: Backend,
    bus: LocalBus,
    clock: ManualClock,
    recorder: Recorder,
    _migrated_files: servers.MigratedFiles,
) -> AsyncIterator[RunService]:
    """Starts services: `await run_service(create_service, CouponSettings, lock_sweep_seconds=0.1)`.

    They find their tables there already, as their migrations make them.
    """
    async with AsyncExitStack() as stack:

        async def run(create: Callable[..., Service], kind: type[ServiceSettings], **settings: Any) -> RunningService:
            base: dict[str, Any] = {
                "data_dir": backend.data_dir,
                "database_url": backend.database_url,
                "database_pool_size": 5,
                "internal_secret": INTERNAL_SECRET,
                "migrate_on_start": False,
            }
            service = create(kind(**{**base, **settings}), bus, clock)
            if find_spec(service.kit.migrations) is None:
                await service.migrate()  # a test's own part, which makes its tables itself
            elif service.kit.db.dialect == "sqlite":
                await _migrated_files.copy(service)
            elif backend.server is not None:
                await backend.server.migrated(service)
            running = RunningService(service, bus, clock, recorder)
            stack.push_async_callback(running.close)
            await stack.enter_async_context(service.running())
            return running

        yield run
