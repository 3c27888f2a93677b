"""Attack 4 by chance: requests that are cut, spoilt, broken off and not listened to. Afterwards nothing is left of them."""

import asyncio
import logging
from random import Random
from typing import Any

import pytest
from kit.rawhttp import Front, at_the_door, echo, head

STREAMS = 400
PIECES = (
    head(),
    head("POST", "/x", "Content-Length: 10") + b"0123456789",
    head("POST", "/x", "Transfer-Encoding: chunked") + b"3\r\nabc\r\n0\r\nX-Trailer: y\r\n\r\n",
    head("POST", "/early", "Content-Length: 100000") + bytes(100_000),
    head("POST", "/early", "Content-Length: 100000") + bytes(50),
    head("POST", "/x", "Connection: Upgrade", "Upgrade: h2c", "Content-Length: 5") + b"abcde",
    head("POST", "/x", "Expect: 100-continue", "Content-Length: 3") + b"abc",
    head("GET", "/big"),
    head("GET", "/", "Connection: close"),
    bytes(range(20)),
)


async def slowly(scope: Any, receive: Any, send: Any) -> None:
    await asyncio.sleep(0.1 * (scope["path"] == "/x"))
    await echo(scope, receive, send)


async def play(front: Front, chance: Random) -> None:
    data = bytearray(b"".join(chance.choices(PIECES, k=chance.randint(1, 6))))
    for _ in range(chance.choice((0, 0, 1, 3))):
        data[chance.randrange(len(data))] = chance.randrange(256)
    line = await front.line(source=f"127.0.1.{chance.randint(1, 5)}")
    try:
        size = chance.choice((7, 50, 1_000, 100_000))
        for at in range(0, min(len(data), 200 * size), size):
            line.writer.write(data[at : at + size])
            if chance.random() < 0.3:
                await asyncio.sleep(0.001)
        match chance.randint(0, 3):
            case 0:
                line.writer.write_eof()
            case 1:
                return
        async with asyncio.timeout(0.5):
            while await line.reader.read(100_000):
                pass
    except (OSError, RuntimeError):  # TimeoutError too; uvloop's word for a connection that is closed
        pass
    finally:
        await line.close()


async def test_nothing_is_left_of_spoilt_requests(caplog: pytest.LogCaptureFixture) -> None:
    raised: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: raised.append(context))
    together = asyncio.Semaphore(50)

    async def one(front: Front, seed: int) -> None:
        async with together:
            await play(front, Random(seed))  # noqa: S311 - a failure is to happen again

    async with at_the_door(slowly, connections=40, per_address=12, head_seconds=1, stall_seconds=1) as front:
        await asyncio.gather(*(one(front, seed) for seed in range(STREAMS)))
        assert (await front.ask(head())).echoed == ["GET", "/", 0]
        await front.left()
        assert front.state.lingering == 0  # type: ignore[attr-defined]
    assert raised == []
    assert [one.getMessage() for one in caplog.records if one.levelno >= logging.ERROR] == []
