"""The TCP connection under a connection to RabbitMQ: it knows when something was heard last, and can be cut.

A broker that is frozen, or behind a firewall that forgot the connection, answers no goodbye either. The AMQP client waits for
one, and for its own buffer to be written, with a deadline for neither; so the connection is made here, where it can be ended
without asking the other end.
"""

import asyncio
from typing import Any

import aio_pika
from aio_pika.exceptions import CONNECTION_EXCEPTIONS, AMQPConnectionError
from aiormq.connection import TransportFactory
from yarl import URL

_GOODBYE_SECONDS = 3.0


class _Heard(asyncio.StreamReader):
    """Notes when something came in."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop=loop)
        self._clock = loop.time
        self.at = loop.time()

    def feed_data(self, data: Any) -> None:
        self.at = self._clock()
        super().feed_data(data)


class Line(TransportFactory):
    """Opens the TCP connection, with TLS where the URL says `amqps`."""

    def __init__(self) -> None:
        self._heard: _Heard | None = None
        self._transport: asyncio.Transport | None = None

    async def create(self, url: URL, **options: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """As the AMQP client asks for it. Raises AMQPConnectionError."""
        provider = options.pop("ssl_context_provider")
        loop = asyncio.get_running_loop()
        heard = _Heard(loop)
        protocol = asyncio.StreamReaderProtocol(heard, loop=loop)
        secure = await provider.get_context() if url.scheme == "amqps" else None
        host, port = url.host or "", url.port or 0
        try:
            transport, _ = await loop.create_connection(lambda: protocol, host, port, ssl=secure, **options)
        except OSError as error:
            raise AMQPConnectionError(*error.args) from error
        self._heard, self._transport = heard, transport
        return heard, asyncio.StreamWriter(transport, protocol, heard, loop)

    @property
    def quiet(self) -> float:
        """Seconds since something was heard."""
        return 0.0 if self._heard is None else asyncio.get_running_loop().time() - self._heard.at

    def cut(self) -> None:
        """End it at once; whoever waits on it is told."""
        if self._transport is not None:
            self._transport.abort()


class Connection(aio_pika.Connection):
    """A connection to RabbitMQ on such a line."""

    def __init__(self, url: URL, **options: Any) -> None:
        super().__init__(url, **options)
        self.line = Line()
        self.kwargs["transport_factory"] = self.line

    @property
    def is_blocked(self) -> bool:
        """True while the broker takes no messages on this connection, as it said by `connection.blocked`."""
        if self.transport is None:
            return False
        # It ends at once unless the connection is blocked; the AMQP client offers no other way to ask.
        asking = self.transport.ready().__await__()
        try:
            next(asking)
        except StopIteration:
            return False
        asking.close()
        return True

    async def open(self, seconds: float) -> None:
        """Connect. Raises TimeoutError after `seconds`, or what the AMQP client raises."""
        # Given up, the client still closes, which with TLS waits for the other end.
        too_late = asyncio.get_running_loop().call_later(seconds + 1, self.line.cut)
        try:
            async with asyncio.timeout(seconds):
                await self.connect()
        finally:
            too_late.cancel()

    async def part(self) -> None:
        """Say goodbye, wait a moment for the answer, and be gone."""
        # The client is not interrupted: it would then wait for its buffer to be written.
        too_late = asyncio.get_running_loop().call_later(_GOODBYE_SECONDS, self.line.cut)
        try:
            await self.close()
        except (*CONNECTION_EXCEPTIONS, TimeoutError):
            pass  # it is as gone as it can be
        finally:
            too_late.cancel()
            self.line.cut()
