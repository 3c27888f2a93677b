"""Forwarding to a part in another process, against real servers that behave badly."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from kit.upstream import Handler, RawServer, read_request
from starlette.types import Message

from gateway.forwarding.http import HttpForwarder
from gateway.forwarding.pool import Bounds
from gateway.forwarding.port import Forwarded, Headers
from shared.web import Problem

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


class Call:
    """One call through a forwarder: what is sent in, what came out."""

    def __init__(
        self,
        method: str = "GET",
        chunks: Sequence[bytes] = (),
        headers: Headers | None = None,
        path: bytes = b"/v1/x",
        pause: float = 0,
    ) -> None:
        sized = headers is None and chunks
        headers = headers if headers is not None else []
        if sized:
            headers = [(b"content-length", str(sum(map(len, chunks))).encode())]
        self.request = Forwarded(method, path, b"q=1", headers, None, "req_1", "/v1/x", bool(chunks), {})
        self._chunks = list(chunks)
        self._pause = pause
        self.gone = asyncio.Event()
        self.status = 0
        self.headers: Headers = []
        self.body = b""
        self.complete = False
        self.read_gate = asyncio.Event()
        self.read_gate.set()

    async def receive(self) -> Message:
        if self._chunks:
            await asyncio.sleep(self._pause)
            body = self._chunks.pop(0)
            return {"type": "http.request", "body": body, "more_body": bool(self._chunks)}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        await self.read_gate.wait()
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], list(message["headers"])
        else:
            self.body += message.get("body", b"")
            self.complete = not message.get("more_body", False)

    async def through(self, forwarder: HttpForwarder) -> "Call":
        await forwarder.forward(self.request, self.receive, self.send)
        return self


def sign(_request: Forwarded) -> Headers:
    return [(b"x-quanyu-key-id", b"key_1")]


@contextlib.asynccontextmanager
async def before(handler: Handler, **options: Any) -> AsyncIterator[tuple[HttpForwarder, RawServer]]:
    """A forwarder in front of a server that does `handler` with each connection."""
    server = RawServer(handler)
    async with server.running():
        forwarder = HttpForwarder("coupon", server.url, sign, Bounds(**options))
        try:
            yield forwarder, server
        finally:
            await forwarder.aclose()


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        head, body = await read_request(reader)
        text = head + body
        writer.write(b"HTTP/1.1 200 OK\r\nserver: x\r\ncontent-length: %d\r\n\r\n" % len(text) + text)


async def refusal(call: Call, forwarder: HttpForwarder) -> Problem:
    with pytest.raises(Problem) as caught:
        await call.through(forwarder)
    assert call.status == 0
    return caught.value


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
        assert (forwarder.pool.open, forwarder.pool.idle) == (1, 1)


async def test_a_body_in_pieces_is_streamed_with_its_length_or_chunked() -> None:
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


async def settled(forwarder: HttpForwarder, open_connections: int = 0) -> None:
    for _ in range(200):
        if forwarder.pool.open == open_connections:
            return
        await asyncio.sleep(0.005)
    raise AssertionError(f"{forwarder.pool.open} connections are still open")


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


def dies_on_second(counts: dict[str, int]) -> Handler:
    """Answers the first request of a connection, reads the second and closes without an answer."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head, _ = await read_request(reader)
        counts[head.split(b" ")[0].decode()] = counts.get(head.split(b" ")[0].decode(), 0) + 1
        writer.write(OK)
        head, _ = await read_request(reader)
        counts[head.split(b" ")[0].decode()] = counts.get(head.split(b" ")[0].decode(), 0) + 1

    return serve


async def test_a_get_on_a_kept_connection_that_died_is_sent_again_once() -> None:
    counts: dict[str, int] = {}
    async with before(dies_on_second(counts)) as (forwarder, server):
        await Call().through(forwarder)
        call = await Call().through(forwarder)
        assert (call.status, call.body) == (200, b"ok")
        assert (counts, server.connections) == ({"GET": 3}, 2)


@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_a_sent_post_is_never_sent_again(method: str) -> None:
    counts: dict[str, int] = {}
    async with before(dies_on_second(counts)) as (forwarder, _):
        await Call(method, [b"1"]).through(forwarder)
        problem = await refusal(Call(method, [b"2"]), forwarder)
        assert problem.status == 502
        assert counts == {method: 2}


async def test_a_put_whose_body_is_partly_gone_is_not_sent_again() -> None:
    counts: dict[str, int] = {}
    async with before(dies_on_second(counts)) as (forwarder, _):
        await Call().through(forwarder)
        assert (await refusal(Call("PUT", [b"1", b"2"]), forwarder)).status == 502
        await Call().through(forwarder)
        call = await Call("PUT", [b"12"]).through(forwarder)
        assert (call.status, counts["PUT"]) == (200, 3)


async def test_a_kept_connection_that_the_part_closed_serves_no_post() -> None:
    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(OK)

    async with before(once) as (forwarder, server):
        for _ in range(20):
            call = await Call("POST", [b"1"]).through(forwarder)
            assert call.status == 200
            await asyncio.sleep(0.001)
        assert server.connections == 20


async def test_a_part_in_trouble_does_not_get_much_more_traffic() -> None:
    counts: dict[str, int] = {}
    async with before(dies_on_second(counts), most=1) as (forwarder, _):
        forwarder._retry_credit = 0.0
        sent = 0
        for _ in range(60):
            with contextlib.suppress(Problem):
                await Call().through(forwarder)
            sent += 1
        assert counts["GET"] <= sent * 1.25


async def test_bytes_after_the_end_never_reach_the_next_caller() -> None:
    async def generous(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(OK + b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison")
        await read_request(reader)

    async with before(generous) as (forwarder, server):
        for _ in range(5):
            call = await Call("POST", [b"x"]).through(forwarder)  # no retry can hide a spoilt one
            assert (call.status, call.body) == (200, b"ok")
            await asyncio.sleep(0.005)
        assert server.connections == 5


async def test_late_bytes_on_an_idle_connection_close_it() -> None:
    async def late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(OK)
        await asyncio.sleep(0.02)
        writer.write(OK)
        await asyncio.sleep(60)

    async with before(late) as (forwarder, _):
        await Call().through(forwarder)
        await settled(forwarder)


async def test_a_thousand_callers_that_go_away_leave_the_pool_as_it_was() -> None:
    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await read_request(reader)
            await asyncio.sleep(0.2)
            writer.write(OK)

    async with before(slow, most=50, most_waiting=2000) as (forwarder, server):

        async def impatient(number: int) -> None:
            call = Call()
            task = asyncio.create_task(call.through(forwarder))
            await asyncio.sleep(0.001 * (number % 40))
            if number % 2:
                call.gone.set()
            else:
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError, Problem):
                await task

        await asyncio.gather(*(impatient(number) for number in range(1000)))
        await settled(forwarder, forwarder.pool.idle)
        assert len(forwarder.pool._waiting) == 0
        call = await Call().through(forwarder)
        assert call.body == b"ok"
        for _ in range(100):
            if server.open == forwarder.pool.open:
                break
            await asyncio.sleep(0.01)
        assert server.open == forwarder.pool.open <= 50


async def test_a_caller_that_goes_away_closes_the_connection_of_its_request() -> None:
    began, ended = asyncio.Event(), asyncio.Event()

    async def watches(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        began.set()
        assert await reader.read(1) == b""
        ended.set()

    async with before(watches) as (forwarder, _):
        call = Call("POST", [b"x"])
        task = asyncio.create_task(call.through(forwarder))
        await began.wait()
        call.gone.set()
        async with asyncio.timeout(60):
            await ended.wait()
            await task
        assert call.status == 0


async def test_the_queue_is_bounded_and_says_so() -> None:
    gate = asyncio.Event()

    async def gated(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await read_request(reader)
            await gate.wait()
            writer.write(OK)

    async with before(gated, most=2, most_waiting=3) as (forwarder, server):
        tasks = [asyncio.create_task(Call().through(forwarder)) for _ in range(5)]
        await asyncio.sleep(0.05)
        problem = await refusal(Call(), forwarder)
        assert (problem.status, problem.code) == (503, "upstream_busy")
        gate.set()
        assert [call.body for call in await asyncio.gather(*tasks)] == [b"ok"] * 5
        assert server.connections == 2


async def test_a_slow_reader_holds_the_part_back() -> None:
    written = 0

    async def firehose(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % (64 << 20))
        for _ in range(1024):
            writer.write(b"x" * 65536)
            await writer.drain()
            written += 65536

    async with before(firehose) as (forwarder, _):
        call = Call()
        call.read_gate.clear()
        task = asyncio.create_task(call.through(forwarder))
        await asyncio.sleep(0.3)
        assert written < 16 << 20, "the whole body was taken although nobody reads it"
        call.read_gate.set()
        await task
        assert (len(call.body), call.complete) == (64 << 20, True)


async def test_a_slow_part_holds_the_sender_back() -> None:
    gate = asyncio.Event()

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        await gate.wait()
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        body = await reader.readexactly(length)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n%08d" % (len(body) % 10**8))

    async with before(slow) as (forwarder, _):
        call = Call("POST", [b"x" * 65536] * 512)
        task = asyncio.create_task(call.through(forwarder))
        await asyncio.sleep(0.2)
        assert len(call._chunks) > 256, "the whole body was taken although the part does not read"
        gate.set()
        await task
        assert call.body == b"%08d" % (512 * 65536)


async def test_an_answer_before_the_body_was_sent_is_passed_on() -> None:
    async def early(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Content Too Large\r\ncontent-length: 3\r\n\r\nbig")
        await asyncio.sleep(0.2)

    async with before(early) as (forwarder, _):
        call = await Call("POST", [b"x" * 1000] * 1000, pause=0.005).through(forwarder)
        assert (call.status, call.body, call.complete) == (413, b"big", True)
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
        HttpForwarder("coupon", url, sign, Bounds())
