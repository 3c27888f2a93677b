"""How a part ends its background work."""

import asyncio

from shared.service import _cancel


async def test_a_task_that_lost_its_cancellation_is_cancelled_again() -> None:
    """As by a rollback on a lost connection, which raises what it failed with; the loop then goes on to its next round."""
    rounds = 0

    async def loop() -> None:
        nonlocal rounds
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                rounds += 1
                if rounds > 1:
                    raise

    task = asyncio.create_task(loop())
    await asyncio.sleep(0)
    async with asyncio.timeout(10):
        await _cancel([task])
    assert task.cancelled()
    await _cancel([])
