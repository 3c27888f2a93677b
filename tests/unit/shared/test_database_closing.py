"""A database that is closed leaves nothing at work behind, whatever was cancelled before."""

import asyncio
import threading
import time
from pathlib import Path

import pytest
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
