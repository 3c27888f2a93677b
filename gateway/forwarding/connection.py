"""One connection to a part: HTTP/1.1 on asyncio's transport, parsed by httptools, with back-pressure both ways."""

import asyncio
from collections.abc import Callable
from typing import cast

import httptools

_HIGH_WATER = 256 * 1024
_MOST_HEADER_BYTES = 64 * 1024


class UpstreamBroken(Exception):
    """The part closed the connection too early, or what it sent is no HTTP answer."""


class Connection(asyncio.Protocol):
    """Carries one exchange after another. `begin` starts one; `status`, `headers` and `chunk()` are its answer."""

    def __init__(self, on_lost: Callable[["Connection"], None]) -> None:
        self._on_lost = on_lost
        self._transport: asyncio.Transport | None = None
        self._parser: httptools.HttpResponseParser | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._writable: asyncio.Future[None] | None = None
        self._writing_paused = False
        self._reading_paused = False
        self._chunks: list[bytes] = []
        self._buffered = 0
        self._failure: Exception | None = None
        self.idle_since = 0.0
        self.lost = False
        self._reset("GET")

    def _reset(self, method: str) -> None:
        self._method = method
        self._interim = False
        self._until_close = False
        self._header_bytes = 0
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.head_done = False
        self.complete = False
        self.keep = False
        self.received_any = False
        self.wrote_any = False
        self.sent_all = False

    # the request

    def begin(self, method: str) -> None:
        """Start an exchange on a connection that has none."""
        self._reset(method)
        self._parser = httptools.HttpResponseParser(self)

    def write(self, data: bytes) -> None:
        """Send bytes of the request. Raises UpstreamBroken when the part has closed the connection."""
        if self._failure is not None or self._transport is None or self._transport.is_closing():
            raise self._failure or UpstreamBroken("The connection was closed.")
        self.wrote_any = True
        self._transport.write(data)

    async def drain(self) -> None:
        """Wait until the part takes more. Raises what ended the exchange meanwhile."""
        if self._writing_paused and self._failure is None:
            self._writable = asyncio.get_running_loop().create_future()
            await self._writable
        if self._failure is not None:
            raise self._failure

    # the answer

    async def head(self) -> None:
        """Wait for `status` and `headers`."""
        while not self.head_done:
            await self._wait()

    async def chunk(self) -> bytes | None:
        """The next bytes of the body; None at its end. Raises UpstreamBroken when the part dies before that."""
        while not self._chunks:
            if self.complete:
                return None
            await self._wait()
        data = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        self._chunks.clear()
        self._buffered = 0
        if self._reading_paused and self._transport is not None:
            self._reading_paused = False
            self._transport.resume_reading()
        return data

    @property
    def ended(self) -> bool:
        """True when nothing more of the body will come."""
        return self.complete and not self._chunks

    @property
    def reusable(self) -> bool:
        """True when the exchange is over on both sides and the connection can carry another."""
        return self.ended and self.keep and self.sent_all and self._failure is None and self.usable

    @property
    def usable(self) -> bool:
        """True while the part has not closed it."""
        return self._transport is not None and not self._transport.is_closing()

    def rest(self) -> None:
        """The exchange is over; bytes that come from now on break the connection."""
        self._parser = None

    def fail(self, error: Exception) -> None:
        """End the exchange with `error` and close the connection at once."""
        if self._failure is None:
            self._failure = error
        if self._transport is not None:
            self._transport.abort()
        self._wake()

    async def _wait(self) -> None:
        if self._failure is not None:
            raise self._failure
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
        if self._failure is not None or not self._writing_paused:
            if self._writable is not None and not self._writable.done():
                self._writable.set_result(None)
            self._writable = None

    # called by asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: the connection is open."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are none by inheritance

    def data_received(self, data: bytes) -> None:
        """asyncio: bytes of an answer, or unasked ones, which end the connection."""
        if self._parser is None:
            return self.fail(UpstreamBroken("The service sent bytes that nobody asked for."))
        self.received_any = True
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.fail(self._failure or UpstreamBroken("The service sent something that is no HTTP answer."))

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio: the end, which is also the end of an answer that told no length."""
        if self.head_done and self._until_close and exc is None:
            self.complete = True
        elif not self.complete and self._failure is None:
            self._failure = UpstreamBroken("The service closed the connection before the end of its answer.")
        self.keep = False
        self.lost = True
        self._wake()
        self._on_lost(self)

    def pause_writing(self) -> None:
        """asyncio: the part does not keep up."""
        self._writing_paused = True

    def resume_writing(self) -> None:
        """asyncio: the part takes more again."""
        self._writing_paused = False
        self._wake()

    # called by the parser

    def on_message_begin(self) -> None:
        """httptools: an answer begins; a second one was not asked for."""
        if self.complete:
            self.keep = False
            self._failure = self._failure or UpstreamBroken("The service sent bytes after the end of its answer.")

    def on_header(self, name: bytes, value: bytes) -> None:
        """httptools: one header, as long as there are not too many."""
        self._header_bytes += len(name) + len(value)
        if self._header_bytes > _MOST_HEADER_BYTES:
            self._failure = UpstreamBroken("The service sent too many headers.")
            raise self._failure
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """httptools: the head is there; how the body ends is decided by it."""
        if self._parser is None or self.complete:
            return
        status = self._parser.get_status_code()
        self._interim = 100 <= status < 200
        if status == 101:
            raise UpstreamBroken("The service switched protocols unasked.")
        if self._interim:
            self.headers = []
            return
        self.status = status
        names = {name for name, _ in self.headers}
        bodiless = self._method == "HEAD" or status in (204, 304)
        self._until_close = not bodiless and b"content-length" not in names and b"transfer-encoding" not in names
        self.head_done = True
        if self._method == "HEAD":
            self._finish()
        self._wake()

    def on_body(self, body: bytes) -> None:
        """httptools: a piece of the body; reading pauses when nobody takes it."""
        if self.complete:
            return
        self._chunks.append(body)
        self._buffered += len(body)
        if self._buffered > _HIGH_WATER and not self._reading_paused and self._transport is not None:
            self._reading_paused = True
            self._transport.pause_reading()
        self._wake()

    def on_message_complete(self) -> None:
        """httptools: the end of an answer, or of an interim one."""
        if self._interim:
            self._interim = False
        elif not self.complete:
            self._finish()
            self._wake()

    def _finish(self) -> None:
        self.complete = True
        self.keep = self._parser is not None and self._parser.should_keep_alive() and not self._until_close
