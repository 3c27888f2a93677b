"""What wakes those who sleep: a commit of whomever, a moved clock, a database that does not answer."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from conftest import Backend
from sqlalchemy import text

from shared.alarm import Alarm
from shared.clock import ManualClock
from shared.db import Changes, Database
from shared.loops import Loop, alarm_of
from shared.observability.logging import get_logger

SOON = 0.02


@pytest.fixture
async def databases(backend: Backend) -> AsyncIterator[tuple[Database, Database]]:
    """Two ways to the same one, as two processes have them."""
    url = backend.database_url or f"sqlite:///{backend.data_dir}/alarm.db"
    ours, theirs = (Database(url, schema="alarm") for _ in range(2))
    async with ours.connection() as connection, connection.begin():
        if ours.dialect == "postgresql":
            await connection.execute(text("CREATE SCHEMA alarm"))
        await connection.execute(text("CREATE TABLE woken (number INTEGER)"))
    yield ours, theirs
    await ours.close()
    await theirs.close()


async def put(db: Database) -> None:
    async with db.write() as tx:
        await tx.execute(text("INSERT INTO woken VALUES (1)"))


async def until(true: Callable[[], bool]) -> None:
    for _ in range(1000):
        if true():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("nobody was told")


async def quiet(changes: Changes) -> bool:
    """PostgreSQL's server may be busy for others just now: what counts is that it gets quiet."""
    for _ in range(200):
        if not await changes.any():
            return True
        await asyncio.sleep(SOON)
    return False


async def test_every_commit_of_whomever_is_a_change_and_looking_is_none(databases: tuple[Database, Database]) -> None:
    ours, theirs = databases
    changes = Changes(ours)
    assert await changes.any(), "at first everything is new"
    assert await quiet(changes)
    for writer in (ours, theirs, ours):
        await put(writer)
        assert await changes.any()
        assert await quiet(changes)
    async with ours.read() as tx:
        assert await tx.scalar(text("SELECT count(*) FROM woken")) == 3
    async with theirs.write() as tx:  # as a round does that finds nothing
        await tx.execute(text("UPDATE woken SET number = 2 WHERE number = 7"))
    assert await quiet(changes)
    changes.close()


async def test_a_commit_between_two_looks_is_never_missed(databases: tuple[Database, Database]) -> None:
    """A transaction that was open at the last look, and one that began and ended since."""
    ours, theirs = databases
    changes = Changes(ours)
    async with theirs.write() as tx:
        await tx.execute(text("INSERT INTO woken VALUES (1)"))
        await changes.any()
    assert await changes.any()
    changes.close()


FILES = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)


@FILES
async def test_the_alarm_tells_of_commits_of_a_moved_clock_and_of_an_outage(
    databases: tuple[Database, Database], clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = databases
    told: list[bool] = []
    ringing = asyncio.create_task(Alarm(ours, clock, told.append, SOON).run())
    await until(lambda: told[-3:] == [False] * 3)
    assert told[0] is True, "who starts looks first"
    for event in (lambda: put(theirs), lambda: asyncio.to_thread(clock.advance, seconds=0.2)):
        told.clear()
        await event()
        await until(lambda: True in told)
        await until(lambda: told[-3:] == [False] * 3)
    told.clear()
    clock.advance(seconds=-100)
    await until(lambda: len(told) > 3)
    assert True not in told, "nothing is due earlier"

    async def away(_: Changes) -> bool:
        raise OSError("no such host")

    monkeypatch.setattr(Changes, "any", away)
    told.clear()
    await until(lambda: len(told) > 3)
    assert False not in told[1:]
    ringing.cancel()
    await asyncio.gather(ringing, return_exceptions=True)


@FILES
async def test_a_loop_sleeps_until_it_is_told_or_something_is_due(
    databases: tuple[Database, Database], clock: ManualClock
) -> None:
    ours, theirs = databases
    rounds = {"rows": 0, "times": 0, "clock": 0}
    answers: dict[str, float | bool | None] = dict.fromkeys(rounds)

    def work(name: str) -> Callable[[], Awaitable[float | bool | None]]:
        async def tick() -> float | bool | None:
            rounds[name] += 1
            return answers[name]

        return tick

    loops = [
        Loop("watch rows", work("rows"), SOON),
        Loop("watch times", work("times"), SOON),
        Loop("watch clock", work("clock"), 60.0, timed=True),
    ]
    alarm = alarm_of(loops, "test", ours, clock)
    tasks = [asyncio.create_task(loop.run("test", get_logger())) for loop in loops]
    tasks.append(asyncio.create_task(alarm.run()))
    await until(lambda: min(rounds.values()) >= 1)
    await asyncio.sleep(10 * SOON)
    before = dict(rounds)
    loops[0].last_success -= 3600
    assert loops[0].stale()
    await asyncio.sleep(10 * SOON)
    assert rounds == before, "nothing was written"
    assert not loops[0].stale(), "and so the last look still holds"

    answers["times"] = 0.05
    await put(theirs)
    await until(lambda: rounds["rows"] > before["rows"] and rounds["times"] > before["times"])
    answers["rows"], rows = None, rounds["rows"]
    await until(lambda: rounds["times"] > before["times"] + 5)
    assert rounds["rows"] <= rows + 1
    assert rounds["clock"] == 1, "it goes by the clock alone"

    rows = rounds["rows"]
    loops[0].wake.set()
    await until(lambda: rounds["rows"] == rows + 1)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_what_is_told_again_and_again_is_looked_at_once_an_interval() -> None:
    rounds = 0

    async def tick() -> None:
        nonlocal rounds
        rounds += 1

    loop = Loop("watch rows", tick, 0.2)
    running = asyncio.create_task(loop.run("test", get_logger()))
    for _ in range(50):
        loop.hear(True, "test")
        await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert 2 <= rounds <= 5
