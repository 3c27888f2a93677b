"""Attack 39: connections by the thousand. Those that only wait give way to who brings a request."""

import asyncio
from ipaddress import ip_network
from typing import Any

from kit.rawhttp import Front, Line, at_the_door, echo, head

ELSEWHERE = [f"127.0.{one}.{two}" for one in range(1, 12) for two in range(1, 101)]


async def crowd(front: Front, addresses: list[str], first: bytes = b"G") -> list[Line]:
    lines = []
    for address in addresses:
        lines.append(await front.line(first, source=address))
        await asyncio.sleep(0.002)  # the loop's clock counts milliseconds
    return lines


async def closed(lines: list[Line]) -> list[bool]:
    await asyncio.sleep(0.3)
    for line in lines:
        try:
            async with asyncio.timeout(0.01):
                await line.reader.read(1)
        except (TimeoutError, ConnectionResetError):
            pass
    return [line.reader.at_eof() or line.reader.exception() is not None for line in lines]


async def test_the_longest_waiting_gives_way_to_a_new_caller() -> None:
    async with at_the_door(connections=32) as front:
        strangers = await crowd(front, ELSEWHERE[:32])
        assert (await front.ask(head())).echoed == ["GET", "/", 0]
        assert await closed(strangers) == [True] * 3 + [False] * 29


async def test_the_greater_crowd_gives_way() -> None:
    """Whoever holds connections open after a request is as much a crowd as who never sends one."""
    async with at_the_door(connections=32) as front:
        kept = await crowd(front, ELSEWHERE[:24], head())
        for line in kept:
            assert (await line.answer()).status == 200
        speaking = await crowd(front, ELSEWHERE[24:32])
        assert (await front.ask(head())).status == 200
        assert await closed(speaking) == [False] * 8
        assert await closed(kept) == [True] * 3 + [False] * 21


async def test_who_is_at_work_stays_and_the_next_one_hears_why_not() -> None:
    release = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await release.wait()
        await echo(scope, receive, send)

    async with at_the_door(app, connections=16) as front:
        at_work = await crowd(front, ELSEWHERE[:16], head())
        await asyncio.sleep(0.1)
        refused = await front.ask(head())
        assert refused.problem() == (503, "overloaded")
        assert refused.headers["retry-after"] == "1"
        release.set()
        for line in at_work:
            assert (await line.answer()).status == 200


async def test_who_sends_no_body_gives_way_when_all_are_at_work() -> None:
    async with at_the_door(connections=16) as front:
        stalled = await crowd(front, ELSEWHERE[:16], head("POST", "/", "Content-Length: 10"))
        await asyncio.sleep(4)
        assert (await front.ask(head())).status == 200
        assert sum(await closed(stalled)) == 2


async def test_who_draws_it_out_just_fast_enough_gives_way_too() -> None:
    """Half of them send a body, half of them read an answer, at the least rate that is let pass."""
    async with at_the_door(connections=16, head_seconds=1) as front:
        senders = await crowd(front, ELSEWHERE[:8], head("POST", "/", "Content-Length: 9000000"))
        readers = [await front.line(head("GET", "/big"), source=one, buffer=4096) for one in ELSEWHERE[8:16]]
        for _ in range(30):
            for line in senders:
                line.writer.write(bytes(100))
            for line in readers:
                await line.reader.read(100)
            await asyncio.sleep(0.1)
        for _ in range(4):
            assert (await front.ask(head())).status == 200
        assert (await front.ask(head("POST", "/", "Content-Length: 100000") + bytes(100_000))).echoed[2] == 100_000


async def test_one_address_has_a_share_and_proxies_have_none() -> None:
    limits = {"per_address": 4, "proxies": (ip_network("127.0.9.0/24"),)}
    release = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/slow":
            await release.wait()
        await echo(scope, receive, send)

    async with at_the_door(app, **limits) as front:
        waiting = await crowd(front, ["127.0.1.1"] * 4)
        assert (await front.ask(head(), source="127.0.1.1")).status == 200, "their own waiting connection gives way"
        assert await closed(waiting) == [True] + [False] * 3
        at_work = await crowd(front, ["127.0.1.2"] * 4, head("GET", "/slow"))
        await asyncio.sleep(0.1)
        assert (await front.ask(head(), source="127.0.1.2")).problem() == (429, "too_many_connections")
        assert (await front.ask(head(), source="127.0.1.3")).status == 200
        through = await crowd(front, ["127.0.9.1"] * 20, head("GET", "/slow"))
        await asyncio.sleep(0.1)
        release.set()
        for line in at_work + through:
            assert (await line.answer()).status == 200
