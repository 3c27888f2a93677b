"""Attack 60: what the server refuses by itself is a problem document too, said in its turn, and heard before the line ends."""

import asyncio
import json
from typing import Any

import pytest
from kit.rawhttp import HOST, at_the_door, echo, head

CHUNKED = b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
MALFORMED = {
    "tls": bytes.fromhex("160301020001000001fc0303"),
    "http2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "version": b"GET / HTTP/3.1\r\n" + HOST + b"\r\n",
    "method": b"GOT / HTTP/1.1\r\n" + HOST + b"\r\n",
    "nul": b"GET /\0 HTTP/1.1\r\n" + HOST + b"\r\n",
    "bytes in the path": "GET /优惠 HTTP/1.1\r\n".encode() + HOST + b"\r\n",
    "space before the colon": b"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
    "bare line feed": b"GET / HTTP/1.1\nHost: a\n\n",
    "two lengths": b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
    "length and chunks": b"POST / HTTP/1.1\r\n"
    + HOST
    + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "negative length": b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: -1\r\n\r\n",
    "no chunk": CHUNKED + b"zz\r\n",
    "half a chunk": CHUNKED + b"3\r\nabcd\r\n",
    "empty lines for ever": b"\r\n" * 60_000,
}


@pytest.mark.parametrize("sent", MALFORMED.values(), ids=MALFORMED)
async def test_what_is_no_request_gets_a_problem_and_the_end(sent: bytes) -> None:
    async with at_the_door() as front:
        line = await front.line(sent)
        answer = await line.answer()
        assert answer.problem() == (400, "malformed_http")
        assert answer.headers["connection"] == "close"
        assert await line.ended() == b""


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"CONNECT shop.example:443 HTTP/1.1\r\n", (501, "not_a_proxy")),
        (b"GET http://shop.example/v1/coupons HTTP/1.1\r\n", (400, "odd_target")),
        (b"GET shop.example HTTP/1.1\r\n", (400, "malformed_http")),
    ],
)
async def test_targets_that_are_no_path(line: bytes, problem: tuple[int, str]) -> None:
    async with at_the_door() as front:
        assert (await front.ask(line + HOST + b"\r\n")).problem() == problem


@pytest.mark.parametrize("pause", [0, 0.1])
async def test_a_refusal_waits_for_the_answers_before_it(pause: float) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(0.3)
        await echo(scope, receive, send)

    async with at_the_door(app) as front:
        line = await front.line(
            head("GET", "/1"), head("GET", "/2"), b"nonsense\r\n\r\n", head("GET", "/3"), pause=pause
        )
        assert (await line.answer()).echoed[1] == "/1"
        assert (await line.answer()).echoed[1] == "/2"
        assert (await line.answer()).problem() == (400, "malformed_http")
        assert await line.ended() in (b"", b"reset")
    assert front.state.total_requests == 2


async def test_a_broken_body_behind_a_request_at_work_is_never_begun() -> None:
    begun = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        begun.append(scope["path"])
        await asyncio.sleep(0.3)
        await echo(scope, receive, send)

    async with at_the_door(app) as front:
        line = await front.line(head("GET", "/1") + head("POST", "/2", "Transfer-Encoding: chunked") + b"zz\r\n")
        assert (await line.answer()).echoed[1] == "/1"
        assert (await line.answer()).problem() == (400, "malformed_http")
    assert begun == ["/1"]


@pytest.mark.parametrize("extra", [(), ("Connection: close",)])
async def test_who_sends_all_before_they_listen_still_hears_why_not(extra: tuple[str, ...]) -> None:
    """Closing with unread bytes resets the connection, and the reset overtakes the answer."""
    async with at_the_door() as front:
        for _ in range(5):
            line = await front.line(head("POST", "/early", "Content-Length: 3000000", *extra), buffer=4096)
            await asyncio.sleep(0.05)  # the answer is there already
            await line.send(*[bytes(100_000)] * 30, pause=0.001)
            assert (await line.answer()).status == 401
            long = await front.line(b"GET /" + b"a" * 100_000, buffer=4096)
            await asyncio.sleep(0.05)
            await long.send(*[bytes(100_000)] * 30, pause=0.001)
            assert (await long.answer()).problem() == (414, "target_too_long")


async def test_a_refused_caller_who_never_stops_is_not_heard_out_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("suite.door.limits.LINGER_SECONDS", 1)
    async with at_the_door() as front:
        line = await front.line(b"nonsense\r\n\r\n")
        assert (await line.answer()).problem() == (400, "malformed_http")
        await line.send(*[b"x"] * 100, pause=0.03)
        await front.left()
        assert front.state.lingering == 0  # type: ignore[attr-defined]


async def test_the_refused_are_counted() -> None:
    from prometheus_client import generate_latest

    async with at_the_door() as front:
        await front.ask(b"nonsense\r\n\r\n")
        await asyncio.sleep(1.2)
        text = generate_latest().decode()
        assert 'quanyu_door_refused_total{reason="malformed_http"}' in text
        assert "quanyu_door_connections" in text


async def test_a_caller_learns_nothing_of_the_server() -> None:
    async with at_the_door() as front:
        answer = await front.ask(b"GET / HTTP/9.9 <script>\r\n\r\n")
        assert set(answer.headers) == {"date", "content-type", "content-length", "x-request-id", "connection"}
        assert b"script" not in answer.body
        assert set(json.loads(answer.body)) == {"type", "title", "status", "detail", "code", "request_id"}
