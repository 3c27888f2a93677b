"""HTTP as bytes on sockets, and our server in the test's own process: what a client library would hide or mend."""

import asyncio
import json
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from suite import server as serving
from suite.door.limits import Limits

HOST = b"Host: shop.example\r\n"


def head(method: str = "GET", path: str = "/", *headers: str) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: shop.example", *headers]
    return "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n"


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answers method, path and length of the body; /early before it reads anything, /big with 40 MB."""
    read, more = 0, scope["path"] != "/early"
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        read += len(message["body"])
        more = message["more_body"]
    body = json.dumps([scope["method"], scope["path"], read]).encode()
    pieces = [bytes(100_000)] * 400 if scope["path"] == "/big" else [body]
    length = str(sum(map(len, pieces))).encode()
    status = 401 if scope["path"] == "/early" else 200
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", length)]})
    for piece in pieces:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


class Front:
    """Our server, and the connections that a test opens to it."""

    def __init__(self, server: serving.Server, port: int) -> None:
        self.state = server.server_state
        self.port = port
        self.lines: list[Line] = []

    async def line(
        self, *pieces: bytes, source: str = "127.0.0.1", pause: float = 0, buffer: int | None = None
    ) -> "Line":
        """A new connection on which these bytes were sent. `source` is its address, `buffer` what we take unread."""
        if source != "127.0.0.1" and sys.platform != "linux":
            pytest.skip("only Linux has every address of 127.0.0.0/8: this test was not run")
        end = socket.socket()
        if buffer is not None:
            end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        end.bind((source, 0))
        end.setblocking(False)
        await asyncio.get_running_loop().sock_connect(end, ("127.0.0.1", self.port))
        reader, writer = await asyncio.open_connection(sock=end, limit=buffer or 1 << 16)
        self.lines.append(Line(reader, writer))
        return await self.lines[-1].send(*pieces, pause=pause)

    async def ask(self, *pieces: bytes, source: str = "127.0.0.1", pause: float = 0) -> "Answer":
        """The first answer to these bytes, on a connection of their own."""
        line = await self.line(*pieces, source=source, pause=pause)
        try:
            return await line.answer()
        finally:
            await line.close()

    async def left(self, seconds: float = 30) -> None:
        """Wait until the server has no connection and no request any more."""
        async with asyncio.timeout(seconds):
            while self.state.connections or self.state.tasks:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.05)


@asynccontextmanager
async def at_the_door(app: Any = echo, **limits: Any) -> AsyncIterator[Front]:
    """Our server on a free port of every local address, within the test."""
    with serving.listen("0.0.0.0", 0) as address:
        server = serving.Server(app, Limits(**limits))
        task = asyncio.create_task(server.serve(sockets=[address]))
        await server.up.wait()
        front = Front(server, address.getsockname()[1])
        try:
            yield front
        finally:
            for line in front.lines:
                await line.close()
            server.force_exit = True
            server.leave()
            await task


class Line:
    """One connection, driven byte by byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, *pieces: bytes, pause: float = 0) -> "Line":
        """What the server no longer takes is let go: it may have answered already."""
        for piece in pieces:
            self.writer.write(piece)
            try:
                await self.writer.drain()
            except OSError:
                break
            await asyncio.sleep(pause)
        return self

    async def answer(self, seconds: float = 30) -> "Answer":
        """The next whole answer. Raises IncompleteReadError where the connection ends instead."""
        async with asyncio.timeout(seconds):
            raw = await self.reader.readuntil(b"\r\n\r\n")
            first, *lines = raw.decode("latin-1").split("\r\n")[:-2]
            headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
            body = await self.reader.readexactly(int(headers.get("content-length", "0")))
            return Answer(int(first.split(" ")[1]), headers, body)

    async def ended(self, seconds: float = 30) -> bytes:
        """What still comes until the server has closed."""
        async with asyncio.timeout(seconds):
            try:
                return await self.reader.read(-1)
            except ConnectionResetError:
                return b"reset"

    async def close(self) -> None:
        self.writer.transport.abort()  # nothing lingers on our side
        with suppress(OSError):
            await self.writer.wait_closed()


class Answer:
    """An answer of the server."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    def problem(self) -> tuple[int, str]:
        """Status and code, after a look at whether it is a whole problem document."""
        assert self.headers["content-type"] == "application/problem+json"
        document = json.loads(self.body)
        assert document["status"] == self.status
        assert document["title"]
        assert document["detail"].endswith(".")
        assert document["request_id"] == self.headers["x-request-id"] != ""
        return self.status, document["code"]

    @property
    def echoed(self) -> Any:
        assert self.status == 200, self.body
        return json.loads(self.body)
