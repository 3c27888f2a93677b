"""A suite that nobody asks anything does nothing: what it costs is counted, in queries and rounds, not in seconds."""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from shared.db import Database
from shared.loops import Loop
from shared.readiness import is_ready
from shared.service import Service
from suite.settings import SuiteSettings
from suite.wiring import embedded

QUIET_SECONDS = 4.0
Rounds = Counter[str]


@pytest.fixture
async def parts(tmp_path: Path) -> AsyncIterator[tuple[Service, ...]]:
    """All in this process, as `quanyu serve` has them, on the clock of the machine."""
    async with embedded(SuiteSettings(data_dir=tmp_path), {"data_dir": tmp_path}) as running:
        yield running.parts


@pytest.fixture
def queries(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every use of a database from now on, by its part."""
    used: list[str] = []
    connected = Database._connected

    def counted(self: Database, *rest: object) -> object:
        used.append(self.schema)
        return connected(self, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(Database, "_connected", counted)
    return used


def counting(loop: Loop, rounds: Rounds, of: str) -> Callable[[], Awaitable[bool | float | None]]:
    """The loop's work, counted."""
    tick = loop.tick

    async def counted() -> bool | float | None:
        rounds[f"{of}: {loop.name}"] += 1
        return await tick()

    return counted


async def test_an_idle_suite_asks_its_databases_nothing_and_each_loop_is_woken_by_a_commit(
    parts: tuple[Service, ...], queries: list[str], tmp_path: Path
) -> None:
    rounds: Rounds = Counter()
    for part in parts:
        for loop in part.loops:
            loop.tick = counting(loop, rounds, part.name)
            loop.interval = loop.interval if loop.timed else 0.2
    for _ in range(10):  # what a start leaves to do
        queries.clear()
        await asyncio.sleep(2)
        if not queries:
            break
    rounds.clear()
    await asyncio.sleep(QUIET_SECONDS)
    assert (queries, rounds) == ([], Counter()), "what asks once a second would show here four times"

    for part in parts:
        with sqlite3.connect(tmp_path / f"{part.name}.db") as another_process:
            another_process.execute("CREATE TABLE written (by TEXT)")
        another_process.close()
    sleeping = {f"{part.name}: {loop.name}" for part in parts for loop in part.loops if not loop.timed}
    for _ in range(100):
        if sleeping <= rounds.keys():
            break
        await asyncio.sleep(0.1)
    assert sleeping - rounds.keys() == set()
    assert len(sleeping) > 15
    assert all([is_ready(await part.readiness()) for part in parts])
