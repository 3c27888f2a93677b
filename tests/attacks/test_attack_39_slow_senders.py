"""Attack 39: callers who send or read as slowly as they can end; those who are slow yet fast enough are served."""

import asyncio
from typing import Any

import pytest
from kit.rawhttp import HOST, Line, at_the_door, echo, head

QUICK = {"head_seconds": 1, "stall_seconds": 1.5}


async def drops(line: Line, data: bytes, size: int, pause: float) -> None:
    """Send piece by piece until the server closes."""
    for at in range(0, len(data), size):
        line.writer.write(data[at : at + size])
        await asyncio.sleep(pause)
        if line.writer.is_closing() or line.reader.at_eof():
            return


async def test_who_never_speaks_is_hung_up_on() -> None:
    async with at_the_door(**QUICK) as front:
        line = await front.line()
        assert await line.ended() in (b"", b"reset")
        await asyncio.sleep(0.1)
        assert front.state.connections == set()


@pytest.mark.parametrize(
    "beginning", [b"GET /", b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nHost: a\r\nX: ", b"\r\n\r\nGET /"]
)
async def test_a_head_in_drops_has_a_deadline(beginning: bytes) -> None:
    async with at_the_door(**QUICK) as front:
        line = await front.line(beginning)
        dripping = asyncio.create_task(drops(line, b"a" * 1000, 1, 0.05))
        assert (await line.answer()).problem() == (408, "slow_head")
        assert await line.ended() in (b"", b"reset")
        await dripping


async def test_the_second_head_has_its_own_deadline() -> None:
    async with at_the_door(**QUICK) as front:
        line = await front.line(head())
        assert (await line.answer()).status == 200
        await asyncio.sleep(2.5)  # idle connections are kept far longer
        await line.send(head()[:20])
        assert (await line.answer()).problem() == (408, "slow_head")


async def test_a_body_that_stops_has_a_deadline_and_the_application_hears_of_it() -> None:
    heard = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        message = {"more_body": True, "type": "http.request"}
        while message.get("more_body"):
            message = await receive()
        heard.append(message["type"])
        await echo(scope, receive, send)  # what is sent to nobody is no error

    async with at_the_door(app, **QUICK) as front:
        stopped = (
            head("POST", "/", "Content-Length: 100") + b"x" * 50,
            head("POST", "/", "Transfer-Encoding: chunked") + b"5\r\nx",
            head("POST", "/", "Transfer-Encoding: chunked") + b"5\r\nxxxxx\r\n",
        )
        for answer in await asyncio.gather(*map(front.ask, stopped)):
            assert answer.problem() == (408, "slow_body")
    assert heard == ["http.disconnect"] * 3


async def test_a_fast_beginning_buys_no_slow_end() -> None:
    async with at_the_door(**QUICK) as front:
        line = await front.line(head("POST", "/", "Content-Length: 9000000") + bytes(5_000_000))
        dripping = asyncio.create_task(drops(line, bytes(1000), 1, 0.05))
        assert (await line.answer()).problem() == (408, "slow_body")
        dripping.cancel()


async def test_a_phone_on_a_bad_line_is_served() -> None:
    """Two kilobytes a second, and a stop in the middle that is shorter than what is allowed."""
    async with at_the_door(**QUICK) as front:
        line = await front.line(head("POST", "/slow", "Content-Length: 8000"))
        await drops(line, bytes(4000), 200, 0.1)
        await asyncio.sleep(1)
        await drops(line, bytes(4000), 200, 0.1)
        assert (await line.answer()).echoed == ["POST", "/slow", 8000]


async def test_no_body_is_late_while_nobody_wants_it() -> None:
    """The application has not asked for it yet: with an expectation, and with enough of it at hand."""
    wanted = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await wanted.wait()
        await echo(scope, receive, send)

    async with at_the_door(app, **QUICK) as front:
        polite = await front.line(head("POST", "/", "Content-Length: 2", "Expect: 100-continue"))
        keen = await front.line(head("POST", "/", "Content-Length: 200000"), bytes(150_000))
        await asyncio.sleep(4)
        wanted.set()
        assert await polite.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        await polite.send(b"xx")
        await keen.send(bytes(50_000))
        assert (await polite.answer()).echoed == ["POST", "/", 2]
        assert (await keen.answer()).echoed == ["POST", "/", 200_000]


async def test_who_takes_nothing_of_their_answer_is_cut_off() -> None:
    async with at_the_door(**QUICK) as front:
        line = await front.line(buffer=1)
        line.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await line.send(head("GET", "/big"))
        await asyncio.sleep(0.5)
        assert len(front.state.tasks) == 1
        await front.left()


async def test_who_takes_their_answer_slowly_gets_it_whole() -> None:
    async with at_the_door(**QUICK) as front:
        line = await front.line(head("GET", "/big"), buffer=16_384)
        await line.reader.readuntil(b"\r\n\r\n")
        left = 40_000_000
        for _ in range(40):  # 200 kB in 4 seconds, less than our kernel takes at once from the application
            left -= len(await line.reader.readexactly(5_000))
            await asyncio.sleep(0.1)
        while left:
            left -= len(await line.reader.readexactly(min(left, 1_000_000)))


async def test_a_refused_body_that_never_ends_does_not_keep_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("suite.door.limits.LINGER_SECONDS", 1)
    async with at_the_door(**QUICK) as front:
        line = await front.line(head("POST", "/early", "Content-Length: 1000000"))
        assert (await line.answer()).status == 401
        await drops(line, bytes(1_000_000), 1_000, 0.05)
        await front.left()


async def test_many_requests_ahead_of_their_answers_are_bounded() -> None:
    async with at_the_door() as front:
        line = await front.line(head("GET", "/ahead") * 5_000)
        for _ in range(33):
            assert (await line.answer()).echoed == ["GET", "/ahead", 0]
        assert (await line.answer()).problem() == (429, "too_many_pipelined")
        assert await line.ended() in (b"", b"reset")
        assert front.state.total_requests == 33


async def test_a_stop_of_our_own_is_not_blamed_on_the_callers() -> None:
    import time

    async with at_the_door(**QUICK) as front:
        line = await front.line(b"GET / HTTP/1.1\r\n")
        await asyncio.sleep(0.2)
        line.writer.write(HOST + b"\r\n")
        time.sleep(5)  # noqa: ASYNC251 - the whole process stands still, as a suspended machine does
        assert (await line.answer()).status == 200
