"""Attack 4 and its kin: what was reported of uvicorn, gunicorn, hypercorn and Node at one connection, played on our server."""

import asyncio
from typing import Any

import pytest
from kit.rawhttp import HOST, at_the_door, echo, head

UPGRADE = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA")


@pytest.mark.parametrize("pause", [0, 0.05])
@pytest.mark.parametrize("framing", ["length", "chunks"])
async def test_the_body_of_a_java_client_arrives(framing: str, pause: float) -> None:
    """Its HTTP client asks for h2c by default; uvicorn 2722: the parser took the body for the other protocol's bytes."""
    async with at_the_door() as front:
        body = head("GET", "/smuggled")
        sent = body if framing == "length" else b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
        framed = f"Content-Length: {len(body)}" if framing == "length" else "Transfer-Encoding: chunked"
        first = head("POST", "/first", *UPGRADE, framed)
        line = await front.line(first + sent[:7], sent[7:] + head("GET", "/second"), pause=pause)
        assert (await line.answer()).echoed == ["POST", "/first", len(body)]
        assert (await line.answer()).echoed == ["GET", "/second", 0]
        await line.send(head("GET", "/third"))
        assert (await line.answer()).echoed == ["GET", "/third", 0]


async def test_a_websocket_is_an_ordinary_request() -> None:
    async with at_the_door() as front:
        asked = head("GET", "/ws", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: a")
        assert (await front.ask(asked)).echoed == ["GET", "/ws", 0]


async def test_who_closes_their_side_is_answered() -> None:
    """uvicorn 1264: no more to say is not no more to hear."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(0.3)
        await echo(scope, receive, send)

    async with at_the_door(app) as front:
        line = await front.line(head("GET", "/1") + head("POST", "/2", "Content-Length: 2") + b"xx")
        line.writer.write_eof()
        assert (await line.answer()).echoed == ["GET", "/1", 0]
        assert (await line.answer()).echoed == ["POST", "/2", 2]
        assert await line.ended() == b""
        half = await front.line(head("POST", "/3", "Content-Length: 9") + b"xx")
        half.writer.write_eof()
        assert await half.ended() == b""


async def test_who_went_away_is_given_up_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("suite.door.limits.HALF_CLOSED_SECONDS", 0.5)
    told = asyncio.Event()

    async def app(_scope: Any, receive: Any, _send: Any) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        told.set()

    async with at_the_door(app) as front:
        line = await front.line(head())
        await asyncio.sleep(0.1)
        await line.close()
        async with asyncio.timeout(30):
            await told.wait()


async def test_every_request_at_work_hears_that_the_caller_went_away() -> None:
    """uvicorn told the last one that was read, which had not begun; the one at work waited for ever."""
    told = []

    async def app(scope: Any, receive: Any, _send: Any) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        told.append(scope["path"])

    async with at_the_door(app) as front:
        line = await front.line(head("GET", "/1") + head("POST", "/2", "Content-Length: 9"))
        await asyncio.sleep(0.1)
        await line.close()
        await front.left()
    assert told == ["/1"]


async def test_an_expectation_is_met_once_and_only_when_the_body_is_wanted() -> None:
    async with at_the_door() as front:
        expecting = ("Content-Length: 2", "Expect: 100-continue")
        refused = await front.line(head("POST", "/early", *expecting))
        assert (await refused.answer()).status == 401
        line = await front.line(head("POST", "/", *expecting))
        assert await line.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        await line.send(b"xx")
        assert (await line.answer()).echoed == ["POST", "/", 2]
        old = b"POST /old HTTP/1.0\r\n" + HOST + b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n"
        assert (await front.ask(old, b"xx", pause=0.2)).echoed == ["POST", "/old", 2]


async def test_nothing_is_answered_after_the_caller_asked_for_the_end() -> None:
    """uvicorn 2238."""
    async with at_the_door() as front:
        line = await front.line(head("GET", "/last", "Connection: close") + head("GET", "/more"))
        assert (await line.answer()).echoed == ["GET", "/last", 0]
        assert await line.ended() in (b"", b"reset")
    assert front.state.total_requests == 1


async def test_an_answer_that_ends_the_line_outlives_a_body_that_nobody_read() -> None:
    """gunicorn 840: the answer to a POST was lost when its body was not read."""
    async with at_the_door() as front:
        sent = head("POST", "/early", "Content-Length: 200000", "Connection: close")
        for _ in range(5):
            line = await front.line(sent, *[bytes(50_000)] * 4, pause=0.02)
            assert (await line.answer()).status == 401
            assert await line.ended() == b""


async def test_a_kept_connection_is_not_closed_under_a_long_request() -> None:
    """uvicorn 824: the timer of the request before ended it."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/long":
            await asyncio.sleep(3)
        await echo(scope, receive, send)

    async with at_the_door(app, idle_seconds=1) as front:
        line = await front.line(head(), head("GET", "/long"))
        assert (await line.answer()).status == 200
        assert (await line.answer()).echoed[1] == "/long"
        assert await line.ended() == b"", "and then it is idle, and closed"
