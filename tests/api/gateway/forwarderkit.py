"""A forwarder in front of a server that behaves as the test says, and calls through it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from kit.upstream import Handler, RawServer, read_request
from starlette.types import Message

from gateway.forwarding.http import HttpForwarder
from gateway.forwarding.pool import Bounds, Pool
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
        forwarder = HttpForwarder("coupon", [server.url], sign, Bounds(**options))
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


def pool_of(forwarder: HttpForwarder) -> Pool:
    """The connections to its only instance."""
    (instance,) = forwarder.instances
    return instance.pool


async def settled(forwarder: HttpForwarder, open_connections: int = 0) -> None:
    pool = pool_of(forwarder)
    for _ in range(6000):
        if pool.open == open_connections:
            return
        await asyncio.sleep(0.005)
    raise AssertionError(f"{pool.open} connections are still open")
