"""Fixtures that every test may use: a clock, a fresh database on each backend, a bus, and services running on them."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from kit import examples, pythons, runs, servers
from kit.alone import START
from kit.backends import Backend, MigratedFiles
from kit.broker import sweep
from kit.engines import SharedStatements
from kit.postgres import TestDatabase, drop
from kit.selection import NothingSkipped, Selection
from kit.services import Recorder, RunningService

from shared.clock import ManualClock
from shared.db import Database
from shared.language import Language, wanted
from shared.messaging import LocalBus
from shared.observability.logging import configure_logging
from shared.service import Service
from shared.settings import ServiceSettings

__all__ = ["Backend", "RunService"]

RunService = Callable[..., Awaitable[RunningService]]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--quick", action="store_true", help="leave out, and count, what takes long or repeats")


def pytest_configure(config: pytest.Config) -> None:
    examples.load_profile()
    if wanted(os.environ) is Language.CHINESE:
        os.environ["LC_ALL"] = "C.UTF-8"  # what the programs of the tests say is read in English, whoever runs them
    if config.getoption("quick"):
        config.pluginmanager.register(Selection())
    if os.environ.get("CI") == "true":
        config.pluginmanager.register(NothingSkipped())
    runs.this_run()  # before workers and children start, which inherit it
    if not hasattr(config, "workerinput"):
        runs.kill_orphans()
        for kind, name in runs.ledger().left_behind():
            if kind == "database" and servers.available("postgresql"):
                drop(name)
            elif kind == "broker" and servers.available("rabbitmq"):
                asyncio.run(sweep(name.split()))


def pytest_report_header() -> str:
    found = ", ".join(f"{version} ({path})" for version, path in pythons.installed().items())
    return f"make is tested with each Python that is here: {found}"


@pytest.fixture(autouse=True)
def _plain_logs() -> None:
    """For each test anew: one that runs a command leaves a log behind that writes into the command's closed output."""
    configure_logging("json", "warning")


@pytest.fixture(autouse=True, scope="session")
def _statements_compiled_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        made = SharedStatements()
        for module in ("engines", "postgresql"):
            patch.setattr(f"shared.db.{module}.create_async_engine", made.create)
        yield


@pytest.fixture(autouse=True, scope="session")
def _no_settings_from_outside() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("QUANYU_") and not name.startswith("QUANYU_TEST_")]:
            patch.delenv(name)
        yield


@pytest.fixture
def clock() -> ManualClock:
    """2026-11-11 10:00 in Shanghai, and standing still."""
    return ManualClock(START)


@pytest.fixture(scope="session")
def _worker_database(worker_id: str) -> Iterator[TestDatabase]:
    servers.require("postgresql")
    database = TestDatabase(worker_id)
    database.create()
    yield database
    database.drop()


@pytest.fixture(scope="session")
def _migrated_files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MigratedFiles]:
    folder = tmp_path_factory.mktemp("migrated")
    yield MigratedFiles(folder)
    shutil.rmtree(folder)


@pytest.fixture(params=["sqlite", "postgresql"])
def backend(request: pytest.FixtureRequest, tmp_path: Path, _migrated_files: MigratedFiles) -> Backend:
    """A fresh database on each of the two, one after the other."""
    return _open_backend(request, "_worker_database", tmp_path, _migrated_files)


@pytest.fixture(scope="session")
def _kept_database(worker_id: str) -> Iterator[TestDatabase]:
    servers.require("postgresql")
    database = TestDatabase(f"{worker_id}_kept")
    database.create()
    yield database
    database.drop()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def kept_backend(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, _migrated_files: MigratedFiles
) -> Backend:
    """The same for a module's tests that leave it as they found it. Other tests may have a `backend` meanwhile."""
    return _open_backend(request, "_kept_database", tmp_path_factory.mktemp("kept"), _migrated_files)


def _open_backend(request: pytest.FixtureRequest, database_fixture: str, folder: Path, files: MigratedFiles) -> Backend:
    if request.param == "sqlite":
        return Backend("sqlite", folder, None, files)
    database: TestDatabase = request.getfixturevalue(database_fixture)
    database.clear()
    return Backend("postgresql", folder, database.url, files, database)


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
) -> AsyncIterator[RunService]:
    """Starts services: `await run_service(create_service, CouponSettings, lock_sweep_seconds=0.1)`.

    They find their tables there already, as their migrations make them.
    """
    async with AsyncExitStack() as stack:

        async def run(create: Callable[..., Service], kind: type[ServiceSettings], **settings: Any) -> RunningService:
            service = create(backend.settings(kind, **settings), bus, clock)
            await backend.prepare(service)
            running = RunningService(service, bus, clock, recorder)
            stack.push_async_callback(running.close)
            await stack.enter_async_context(service.running())
            return running

        yield run
