"""Forwarding to a part in another process: what it is sent, what comes back, and its deaths and silences."""

import asyncio

import pytest
from api.gateway.forwarderkit import OK, Call, before, echo, pool_of, refusal, settled, sign
from kit.upstream import read_request

from gateway.forwarding.http import HttpForwarder
from gateway.forwarding.pool import Bounds


async def test_request_and_answer_arrive_whole_and_the_connection_is_used_again() -> None:
    async with before(echo) as (forwarder, server):
        for _ in range(5):
            call = await Call("POST", [b"hello"], path=b"/v1/%E6%9D%8E").through(forwarder)
            assert (call.status, call.complete) == (200, True)
            assert call.body.startswith(b"POST /v1/%E6%9D%8E?q=1 HTTP/1.1\r\nhost: 127.0.0.1:")
            assert b"x-quanyu-key-id: key_1" in call.body
            assert call.body.endswith(b"\r\n\r\nhello")
            assert not any(name == b"server" for name, _ in call.headers)
        assert server.connections == 1
        assert (pool_of(forwarder).open, pool_of(forwarder).idle) == (1, 1)


async def test_a_body_in_pieces_is_streamed_with_its_length_or_chunked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.forwarding.bodies.GATHERED", 0)  # as if the pieces were large

    async def raw(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen = await reader.readuntil(b"0\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(seen) + seen)

    async with before(raw) as (forwarder, _):
        call = await Call("POST", [b"ab", b"cde"], headers=[]).through(forwarder)
        assert b"transfer-encoding: chunked" in call.body
        assert call.body.endswith(b"2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n")
    async with before(echo) as (forwarder, _):
        call = await Call("POST", [b"ab", b"cde"]).through(forwarder)
        assert call.body.endswith(b"\r\n\r\nabcde")


@pytest.mark.parametrize(
    ("method", "reply", "body"),
    [
        ("HEAD", b"HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\n", b""),
        ("GET", b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        ("GET", b"HTTP/1.1 304 Not Modified\r\ncontent-length: 50\r\n\r\n", b""),
        ("GET", b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + OK, b"ok"),
        ("GET", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n1\r\n!\r\n0\r\n\r\n", b"ok!"),
    ],
)
async def test_answers_of_every_shape_leave_the_connection_in_order(method: str, reply: bytes, body: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await read_request(reader)
            writer.write(reply)

    async with before(serve) as (forwarder, server):
        for _ in range(3):
            call = await Call(method).through(forwarder)
            assert (call.body, call.complete) == (body, True)
        assert server.connections == 1


async def test_an_answer_that_ends_with_the_connection_is_complete() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nto the end")

    async with before(serve) as (forwarder, _):
        call = await Call().through(forwarder)
        assert (call.body, call.complete) == (b"to the end", True)
        await settled(forwarder)


async def test_death_in_the_middle_of_the_answer_is_visible() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")

    async with before(serve) as (forwarder, _):
        call = await Call().through(forwarder)
        assert (call.status, call.body, call.complete) == (200, b"half", False)
        await settled(forwarder)


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"HTTP/1.1 200 OK\r\ncontent-le",
        b"garbage\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"".join(b"x-%d: %s\r\n" % (i, b"y" * 900) for i in range(80)) + b"\r\n",
    ],
)
async def test_no_sensible_answer_is_a_502(reply: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(reply)

    async with before(serve) as (forwarder, _):
        problem = await refusal(Call("POST", [b"x"]), forwarder)
        assert (problem.status, problem.code) == (502, "upstream_failed")
        await settled(forwarder)


async def test_a_closed_port_is_a_503_that_says_when_to_try_again() -> None:
    async with before(echo) as (forwarder, _):
        pass
    problem = await refusal(Call(), forwarder)
    assert (problem.status, problem.code) == (503, "upstream_unavailable")
    assert problem.headers["Retry-After"] == "1"


async def test_silence_is_a_504_and_the_connection_is_not_used_again() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        await asyncio.sleep(60)

    async with before(silent, deadline_seconds=0.1) as (forwarder, _):
        problem = await refusal(Call(), forwarder)
        assert (problem.status, problem.code) == (504, "upstream_timeout")
        await settled(forwarder)


async def test_an_answer_that_stops_in_the_middle_is_cut_at_the_deadline() -> None:
    async def stalls(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")
        await asyncio.sleep(60)

    async with before(stalls, deadline_seconds=0.1) as (forwarder, _):
        call = await Call().through(forwarder)
        assert (call.status, call.complete) == (200, False)
        await settled(forwarder)


async def test_two_cookies_stay_two_and_hop_by_hop_headers_stay_here() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head, _ = await read_request(reader)
            assert b"cookie" not in head
            writer.write(
                b"HTTP/1.1 200 OK\r\nset-cookie: a=1\r\nset-cookie: b=2\r\nconnection: x-secret\r\nx-secret: 1\r\n"
                b"keep-alive: timeout=5\r\ncontent-length: 0\r\n\r\n"
            )

    async with before(serve) as (forwarder, _):
        for _ in range(2):
            call = await Call().through(forwarder)
            assert call.headers == [(b"set-cookie", b"a=1"), (b"set-cookie", b"b=2"), (b"content-length", b"0")]


async def test_a_header_with_a_line_break_is_refused() -> None:
    async with before(echo) as (forwarder, server):
        problem = await refusal(Call(headers=[(b"x-a", b"1\r\nx-quanyu-key-id: key_evil")]), forwarder)
        assert (problem.status, server.connections) == (400, 0)


@pytest.mark.parametrize("url", ["ftp://x", "http://", "http://x/path", "http://x?y=1", "coupon:8001"])
def test_a_base_url_is_scheme_host_and_port(url: str) -> None:
    with pytest.raises(ValueError, match="coupon"):
        HttpForwarder("coupon", [url], sign, Bounds())
