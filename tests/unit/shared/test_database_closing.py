"""What was cancelled leaves nothing behind: no write lock, and no thread at work once the database is closed."""

import asyncio
import threading
import time
from pathlib import Path

import pytest
from conftest import Backend
from sqlalchemy import text

from shared.db import Database

SLOW = text("WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 200000) SELECT max(x) FROM c")


@pytest.mark.parametrize("pause", [0, 0.001, 0.01], ids=["connecting", "beginning", "asking"])
@pytest.mark.parametrize("writes", [True, False], ids=["writes", "reads"])
def test_no_thread_answers_to_a_loop_that_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pause: float, writes: bool
) -> None:
    """A cancelled task gives its connection back in the background; its thread must find the loop open."""
    failed: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr("threading.excepthook", failed.append)
    before = set(threading.enumerate())

    async def cancelled() -> None:
        db = Database(f"sqlite:///{tmp_path}/x.db", schema="x")

        async def work() -> None:
            async with db.write() if writes else db.read() as tx:
                await tx.scalar(SLOW)

        task = asyncio.create_task(work())
        await asyncio.sleep(pause)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await db.close()

    for _ in range(5):
        asyncio.run(cancelled())
    while set(threading.enumerate()) - before:
        time.sleep(0.01)
    assert failed == []


async def test_a_cancelled_write_gives_its_lock_back(backend: Backend) -> None:
    """A client that goes away in the middle of a statement must not keep everybody else from writing."""
    db = Database(backend.database_url or f"sqlite:///{backend.data_dir}/x.db", schema="public", pool_size=2)
    async with db.write() as tx:
        await tx.run(text("CREATE TABLE IF NOT EXISTS kept (n integer)"))
        await tx.run(text("DELETE FROM kept"))

    begun = asyncio.Event()
    held: list[BaseException] = []  # as whoever logs the cancellation does: its traceback keeps the cursor

    async def work() -> None:
        try:
            async with db.write() as tx:
                await tx.run(text("INSERT INTO kept VALUES (1)"))
                begun.set()
                await tx.scalar(SLOW)
        except asyncio.CancelledError as error:
            held.append(error)
            raise

    for _ in range(5):
        begun.clear()
        task = asyncio.create_task(work())
        await begun.wait()
        await asyncio.sleep(0.002)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        async with asyncio.timeout(15), db.write() as tx:  # the busy timeout of SQLite is 30 s
            await tx.run(text("INSERT INTO kept VALUES (2)"))
    async with db.write() as tx:
        assert await tx.scalars(text("SELECT n FROM kept")) == [2] * 5
        await tx.run(text("DROP TABLE kept"))
    await db.close()
