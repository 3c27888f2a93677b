"""A TCP proxy between the suite and a real server, that can be cut, made silent and restored: it goes away for us alone."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit


@dataclass(eq=False)
class _Line:
    """One connection through the proxy."""

    silent: bool
    answers_only: bool = False


class TcpProxy:
    """Listens on a port of its own and hands bytes on to `host:port`.

    Silent, it takes bytes and lets none through: a server that is frozen, a firewall that forgot a connection.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._server: asyncio.Server | None = None
        self._transports: set[asyncio.StreamWriter] = set()
        self._lines: set[_Line] = set()
        self._new_are_silent = False
        self._server_reads = asyncio.Event()
        self._server_reads.set()
        self._clients: set[asyncio.StreamWriter] = set()
        self._handlers: set[asyncio.Task[None]] = set()
        self._open = False
        self.port = 0

    async def start(self) -> None:
        """Listen; the second time on the same port as before."""
        self._open = True
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Refuse new connections and break the present ones, as a killed server would."""
        self._open = False
        if self._server is not None:
            self._server.close()
        for writer in list(self._transports):
            writer.transport.abort()
        if self._server is not None:
            await self._server.wait_closed()
            self._server = None
        if (
            self._handlers
        ):  # a socket that is left open when the loop ends keeps a session, with its locks, on the server
            await asyncio.wait(self._handlers, timeout=5)

    async def drop_connections(self) -> None:
        """Break the present connections only; new ones succeed at once."""
        for writer in list(self._transports):
            writer.transport.abort()
        await asyncio.sleep(0)

    def fall_silent(self, *, new: bool = True, answers_only: bool = False) -> None:
        """The present connections say nothing any more, ever; new ones neither, until `speak`, unless `new` is False.

        `answers_only`: the server still hears what it is told, and does it.
        """
        for line in self._lines:
            line.silent, line.answers_only = True, answers_only
        self._new_are_silent = new

    def speak(self) -> None:
        """New connections work again."""
        self._new_are_silent = False

    def hold_back(self) -> None:
        """The server reads nothing any more, and goes on speaking: a broker that is short of memory."""
        self._server_reads.clear()

    def let_read(self) -> None:
        """The server reads on, where it stopped."""
        self._server_reads.set()

    def lead_to(self, host: str, port: int) -> None:
        """New connections go to another server; the present ones stay with theirs."""
        self._target = (host, port)

    def say(self, data: bytes) -> None:
        """Say this to whoever is connected, as if the server did."""
        for writer in self._clients:
            writer.write(data)

    @staticmethod
    def before(url: str, port: int) -> "TcpProxy":
        """A proxy before the server of `url`, at `port` where it names none."""
        parts = urlsplit(url)
        return TcpProxy(parts.hostname or "127.0.0.1", parts.port or port)

    def through(self, url: str) -> str:
        """`url`, by way of this proxy."""
        parts = urlsplit(url)
        before, at, _ = parts.netloc.rpartition("@")
        return urlunsplit(parts._replace(netloc=f"{before}{at}127.0.0.1:{self.port}"))

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if (handler := asyncio.current_task()) is not None:
            self._handlers.add(handler)
            handler.add_done_callback(self._handlers.discard)
        try:
            upstream_reader, upstream = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        if not self._open:  # it was cut while we connected
            writer.transport.abort()
            upstream.transport.abort()
            return
        self._transports |= {writer, upstream}
        self._clients.add(writer)
        line = _Line(silent=self._new_are_silent)
        self._lines.add(line)
        pumps = [
            asyncio.create_task(self._pump(reader, upstream, line, answer=False)),
            asyncio.create_task(self._pump(upstream_reader, writer, line, answer=True)),
        ]
        try:
            with suppress(asyncio.CancelledError):  # asyncio would tell of it at the end of a test
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._lines.discard(line)
            self._clients.discard(writer)
            for one in (writer, upstream):
                self._transports.discard(one)
                one.transport.abort()
            await asyncio.gather(*pumps, return_exceptions=True)

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: _Line, *, answer: bool
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                if not answer:
                    await self._server_reads.wait()
                if line.silent and (answer or not line.answers_only):
                    continue
                writer.write(data)
                await writer.drain()
