"""Connections to RabbitMQ that come back, and the few calls of the AMQP client that the bus uses.

With `line.py` the only module that imports aio_pika. Channels below are aiormq's, the client under aio_pika: its messages
cost a third less, and the bus needs no more than publish, consume, get and acknowledge.
"""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from math import inf

from aio_pika.exceptions import CONNECTION_EXCEPTIONS
from aiormq.abc import AbstractChannel, DeliveredMessage
from aiormq.connection import parse_heartbeat
from aiormq.exceptions import InvalidFrameError
from pamqp.commands import Basic
from yarl import URL

from shared.messaging.bus import BLOCKED, BusUnavailable
from shared.messaging.rabbit.line import Connection
from shared.observability.errors import summary
from shared.observability.logging import get_logger
from shared.observability.outages import Outage

__all__ = [
    "AbstractChannel",
    "Basic",
    "DeliveredMessage",
    "Link",
    "Pauses",
    "broker_call",
    "gone",
    "open_channel",
    "why",
]

HEARTBEAT_SECONDS = 5
"""What RabbitMQ advises as the least (https://www.rabbitmq.com/docs/heartbeats); `?heartbeat=` of the URL goes before it."""
SILENT_HEARTBEATS = 3
"""Nothing heard for so many heartbeats, 15 s by default: the connection is cut. The broker sends one each half of them."""
CALL_SECONDS = 10.0
_CLOSE_SECONDS = 3.0
_LOOK_SECONDS = 0.5
_SHORTEST, _LONGEST = 0.1, 5.0


def why(error: BaseException) -> str:
    """One line about an error, for logs and health."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    # The client names only the frame that it got in place of the one for an open virtual host.
    if isinstance(error, InvalidFrameError) and "Connection.OpenOk" in str(error):
        return "the virtual host in its URL is not there, or this user may not use it"
    return summary(error)


def gone(error: BaseException) -> bool:
    """True for what the AMQP client raises when the broker goes away.

    A cancelled future is among it, even when nobody cancelled us.
    """
    if isinstance(error, asyncio.CancelledError):
        task = asyncio.current_task()
        return task is None or task.cancelling() == 0
    return isinstance(error, (*CONNECTION_EXCEPTIONS, TimeoutError))


@asynccontextmanager
async def broker_call(what: str, seconds: float = CALL_SECONDS) -> AsyncIterator[None]:
    """A few calls to the broker, with a deadline. Raises BusUnavailable ("RabbitMQ " + `what`) when it is gone."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except (Exception, asyncio.CancelledError) as error:
        if not gone(error):
            raise
        raise BusUnavailable(f"RabbitMQ {what}: {why(error)}") from error


class Pauses:
    """Growing waits with jitter, so that many processes don't come back to a broker in step."""

    def __init__(self) -> None:
        self._next = _SHORTEST

    def reset(self) -> None:
        """The broker answered: begin with the shortest wait again."""
        self._next = _SHORTEST

    async def wait(self) -> None:
        """Wait, longer each time."""
        await asyncio.sleep(self._next * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, not a secret
        self._next = min(self._next * 2, _LONGEST)


class Link:
    """One connection, made again whenever it is lost, and cut when nothing is heard of it any more."""

    def __init__(self, url: str, name: str, outage: Outage) -> None:
        found = URL(url)
        self._url = found if "heartbeat" in found.query else found.update_query(heartbeat=str(HEARTBEAT_SECONDS))
        self._silence = SILENT_HEARTBEATS * parse_heartbeat(self._url.query["heartbeat"]) or inf
        self._name = name
        self._task: asyncio.Task[None] | None = None
        self._connection: Connection | None = None
        self._up = asyncio.Event()
        self._tried = asyncio.Event()
        self._outage = outage
        self._log = get_logger(bus="rabbit", connection=name)
        self.problem: str | None = "not connected to RabbitMQ"
        self.blocked = False
        """True while the broker takes no messages on this connection."""

    async def start(self) -> None:
        """Returns when the first attempt has ended, well or not."""
        self._task = asyncio.create_task(self._keep(), name=f"rabbit {self._name}")
        await self._tried.wait()

    async def stop(self) -> None:
        """Disconnect and stay away."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self.problem = "the bus is stopped"

    def connection(self) -> Connection:
        """The present connection. Raises BusUnavailable when there is none."""
        if self._connection is None or not self._connection.connected.is_set():
            raise BusUnavailable(self.problem or "the connection to RabbitMQ was lost")
        return self._connection

    async def ready(self) -> None:
        """Wait until there is a connection."""
        await self._up.wait()

    async def _keep(self) -> None:
        pauses = Pauses()
        while True:
            try:
                connection = await self._connect()
            except Exception as error:
                self.problem = f"RabbitMQ can't be reached: {why(error)}"
                self._outage.failed(why(error), self._name)
            else:
                pauses.reset()
                self.problem = await self._hold(connection)
                self._outage.failed(self.problem, self._name)
            self._tried.set()
            await pauses.wait()

    async def _connect(self) -> Connection:
        connection = Connection(self._url, client_properties={"connection_name": self._name})
        await connection.open(CALL_SECONDS)
        return connection

    async def _hold(self, connection: Connection) -> str:
        """Until it is lost; says how."""
        lost = asyncio.Event()
        connection.close_callbacks.add(lambda *_: lost.set())
        ended = "the connection to RabbitMQ was lost"
        if not connection.connected.is_set():
            return ended
        self._connection, self.problem = connection, None
        self._outage.worked(self._name)
        self._up.set()
        self._tried.set()
        try:
            while not lost.is_set() and connection.line.quiet < self._silence:
                self._note_blocked(connection.is_blocked)
                with suppress(TimeoutError):
                    async with asyncio.timeout(min(_LOOK_SECONDS, self._silence / 4)):
                        await lost.wait()
            if not lost.is_set():
                ended = f"RabbitMQ does not answer: nothing heard for {self._silence:g} s"
                connection.line.cut()
            return ended
        finally:
            self._up.clear()
            self._connection = None
            self._note_blocked(False)
            await connection.part()

    def _note_blocked(self, blocked: bool) -> None:
        if blocked is not self.blocked:
            self.blocked = blocked
            if blocked:
                self._log.warning(BLOCKED, hint="rabbitmqctl status names the alarm")
            else:
                self._log.info("RabbitMQ takes messages again")


@asynccontextmanager
async def open_channel(link: Link, *, confirms: bool = False) -> AsyncIterator[AbstractChannel]:
    """A channel for a while. Closing it gives back to its queues whatever was not acknowledged.

    Raises BusUnavailable when there is no connection.
    """
    async with broker_call("does not open a channel"):
        channel = await link.connection().channel(publisher_confirms=confirms)
        underlay = await channel.get_underlay_channel()
    try:
        yield underlay
    finally:
        with suppress(BusUnavailable):
            async with broker_call("does not close a channel", _CLOSE_SECONDS):
                await channel.close()
