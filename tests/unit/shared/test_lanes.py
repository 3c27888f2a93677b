"""Work that takes seconds: so much at once, and one run for all who ask."""

import asyncio

import pytest

from shared.web import Unavailable
from shared.web.lanes import Lane, Lanes, OneRun


async def test_a_lane_lets_so_many_through_at_once_and_sends_the_rest_away() -> None:
    lane, inside, most, done = Lane(at_once=2, waiting=3), 0, 0, asyncio.Event()

    async def work() -> None:
        nonlocal inside, most
        async with lane.turn():
            inside += 1
            most = max(most, inside)
            await done.wait()
            inside -= 1

    tasks = [asyncio.create_task(work()) for _ in range(5)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable) as refused:
        async with lane.turn():
            pass
    assert (refused.value.status, refused.value.headers["Retry-After"]) == (503, "1")
    done.set()
    await asyncio.gather(*tasks)
    assert most == 2
    async with lane.turn():
        pass


async def test_who_may_not_wait_goes_through_a_free_lane_only() -> None:
    lane = Lane(at_once=1, waiting=3)
    async with lane.turn(patient=False):
        with pytest.raises(Unavailable):
            async with lane.turn(patient=False):
                pass


async def test_nobody_takes_the_whole_width_of_the_lanes() -> None:
    lanes, ends = Lanes(at_once=3, each=2, waiting=5), asyncio.Event()

    async def work(who: str, begun: list[str]) -> None:
        async with lanes.turn(who):
            begun.append(who)
            await ends.wait()

    begun: list[str] = []
    crowd = [asyncio.create_task(work("a", begun)) for _ in range(7)]
    await asyncio.sleep(0.01)
    assert begun == ["a", "a"]
    with pytest.raises(Unavailable):
        async with lanes.turn("a"):
            pass
    other = asyncio.create_task(work("b", begun))
    await asyncio.sleep(0.01)
    assert begun == ["a", "a", "b"]
    ends.set()
    await asyncio.gather(*crowd, other)
    assert lanes._lanes == {}, "nothing is kept of who has left"


async def test_who_asks_while_it_runs_shares_the_next_run() -> None:
    begun, ends = [asyncio.Event(), asyncio.Event()], [asyncio.Event(), asyncio.Event()]
    runs: list[int] = []

    async def work() -> int:
        number = len(runs)
        runs.append(number)
        begun[number].set()
        await ends[number].wait()
        return number

    once = OneRun(work)
    first = [asyncio.create_task(once.result()) for _ in range(10)]
    await begun[0].wait()
    later = [asyncio.create_task(once.result()) for _ in range(10)]
    await asyncio.sleep(0)
    assert len(runs) == 1, "one at a time"
    later[0].cancel()
    ends[0].set()
    assert await asyncio.gather(*first) == [0] * 10
    await begun[1].wait()
    ends[1].set()
    assert await asyncio.gather(*later[1:]) == [1] * 9, "who leaves takes nobody's answer away"


async def test_runs_rest_as_long_as_they_took_and_a_failed_one_is_no_end() -> None:
    began: list[float] = []
    loop = asyncio.get_running_loop()

    async def work() -> None:
        began.append(loop.time())
        await asyncio.sleep(0.05)
        if len(began) == 1:
            raise ValueError("once")

    once = OneRun(work)
    with pytest.raises(ValueError, match="once"):
        await once.result()
    await once.result()
    assert began[1] - began[0] >= 0.09
