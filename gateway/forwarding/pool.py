"""The connections to one instance of a part: bounded, last used first, with a bounded queue for when all are busy."""

import asyncio
import ssl
from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

from gateway.forwarding.connection import Connection
from gateway.metrics import UPSTREAM_CONNECTIONS


class UpstreamDown(Exception):
    """No connection could be made."""


class UpstreamBusy(Exception):
    """All connections are at work and the queue is full, or waiting took too long."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many connections, and how long. `idle_seconds` stays below the part's keep-alive time: none is closed as it is lent.

    `deadline_seconds` is for an answer's head, once the request was sent, and again for each piece of its body. An event stream
    may be silent for `stream_seconds`; `most_streams` do not count as connections at work.
    """

    most: int = 100
    most_waiting: int = 1000
    deadline_seconds: float = 30.0
    idle_seconds: float = 60.0
    connect_seconds: float = 2.0
    wait_seconds: float = 5.0
    most_streams: int = 1000
    stream_seconds: float = 120.0


class Address(NamedTuple):
    """Where to connect. `name` is what the certificate must say."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    name: str = ""


class Pool:
    """Lends connections. Each `acquire` is followed by exactly one `release`."""

    def __init__(self, labels: tuple[str, str], address: Address, bounds: Bounds) -> None:
        """`labels` name service and instance in the metrics."""
        self._address = address
        self._bounds = bounds
        self._labels = labels
        self._retired = False
        self._idle: list[Connection] = []
        self._open: set[Connection] = set()
        self._streams: set[Connection] = set()
        self._connecting = 0
        self._waiting: deque[asyncio.Future[Connection | None]] = deque()
        self._open_gauge = UPSTREAM_CONNECTIONS.labels(*labels)

    @property
    def open(self) -> int:
        """Connections that exist or are being made."""
        return len(self._open) + self._connecting

    @property
    def idle(self) -> int:
        """Connections that wait to be lent."""
        return len(self._idle)

    async def acquire(self, *, fresh: bool = False) -> tuple[Connection, bool]:
        """A connection, and whether it was used before. Raises UpstreamDown or UpstreamBusy."""
        while True:
            if not fresh and (kept := self._kept()) is not None:
                return kept, True
            if self.open < self._bounds.most:
                return await self._connect(), False
            if fresh and self._idle:
                self._idle.pop().fail(UpstreamDown("replaced by a new connection"))
            handed = await self._queue()
            if handed is not None and handed.usable:
                return handed, True

    def release(self, connection: Connection) -> None:
        """Take a connection back: to be lent again if its exchange ended well, else to be closed."""
        if self._retired or connection in self._streams or not connection.reusable:
            connection.fail(UpstreamDown("closed by the gateway"))
            return  # its slot is freed when asyncio reports the loss
        connection.rest()
        connection.idle_since = asyncio.get_running_loop().time()
        waiter = self._next_waiter()
        if waiter is not None:
            waiter.set_result(connection)
        else:
            self._idle.append(connection)

    def set_apart(self, connection: Connection) -> None:
        """What it carries has no end: it takes no place among the others any more. Raises UpstreamBusy for too many."""
        if len(self._streams) >= self._bounds.most_streams:
            raise UpstreamBusy("too many event streams")
        self._open.discard(connection)
        self._streams.add(connection)
        self._open_gauge.set(len(self._open))
        self._hand_slot()

    def close(self) -> None:
        """Close every connection, also those at work."""
        for connection in [*self._open, *self._streams]:
            connection.fail(UpstreamDown("the gateway is stopping"))

    def retire(self) -> None:
        """Nothing is kept any more: each connection ends with its exchange."""
        self._retired = True
        for connection in list(self._idle):
            connection.fail(UpstreamDown("not used any more"))
        UPSTREAM_CONNECTIONS.remove(*self._labels)

    def _kept(self) -> Connection | None:
        oldest = asyncio.get_running_loop().time() - self._bounds.idle_seconds
        while self._idle:
            connection = self._idle.pop()
            if connection.usable and connection.idle_since >= oldest:
                return connection
            connection.fail(UpstreamDown("idle for too long"))
        return None

    async def _connect(self) -> Connection:
        self._connecting += 1
        try:
            async with asyncio.timeout(self._bounds.connect_seconds):
                _, connection = await asyncio.get_running_loop().create_connection(
                    lambda: Connection(self._lost),
                    self._address.host,
                    self._address.port,
                    ssl=self._address.tls,
                    server_hostname=self._address.name if self._address.tls else None,
                )
        except BaseException as error:
            self._connecting -= 1
            self._hand_slot()
            if isinstance(error, OSError | TimeoutError):
                raise UpstreamDown(str(error) or "no connection in time") from error
            raise
        self._connecting -= 1
        if connection.lost:
            self._hand_slot()
            raise UpstreamDown("the connection was closed at once")
        self._open.add(connection)
        self._open_gauge.set(len(self._open))
        return connection

    def _lost(self, connection: Connection) -> None:
        if connection in self._streams:
            return self._streams.discard(connection)
        self._open.discard(connection)
        self._open_gauge.set(len(self._open))
        if connection in self._idle:
            self._idle.remove(connection)
        self._hand_slot()

    async def _queue(self) -> Connection | None:
        if len(self._waiting) >= self._bounds.most_waiting:
            raise UpstreamBusy("the queue is full")
        turn: asyncio.Future[Connection | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout(self._bounds.wait_seconds):
                return await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():
                # The turn came in the very moment of giving up: pass it on.
                connection = turn.result()
                self._hand_slot() if connection is None else self._pass_on(connection)
            elif turn in self._waiting:
                self._waiting.remove(turn)
            if isinstance(error, TimeoutError):
                raise UpstreamBusy("no connection became free in time") from error
            raise

    def _pass_on(self, connection: Connection) -> None:
        waiter = self._next_waiter()
        if waiter is not None:
            waiter.set_result(connection)
        else:
            self._idle.append(connection)

    def _hand_slot(self) -> None:
        waiter = self._next_waiter()
        if waiter is not None:
            waiter.set_result(None)

    def _next_waiter(self) -> asyncio.Future[Connection | None] | None:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                return waiter
        return None
