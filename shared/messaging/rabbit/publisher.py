"""Publishing with confirms, many in flight, on one channel that is opened again when it was lost."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace

from shared.messaging.bus import BLOCKED, BusUnavailable, Failed, Pack
from shared.messaging.rabbit.connection import (
    AbstractChannel,
    Basic,
    DeliveredMessage,
    Link,
    broker_call,
    open_channel,
    why,
)
from shared.messaging.topology import Topology
from shared.observability.outages import Outage

CONFIRM_SECONDS = 20.0
_CONFIRMS = "confirms"
_PERSISTENT = 2
_TRACEPARENT = re.compile(rb'"traceparent":"([0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2})"')
_HEAD_BYTES = 1024  # the first envelope up to its payload, with the traceparent in it


class Publisher:
    """`declare_all` is called on each new channel before anything goes through it."""

    def __init__(
        self, link: Link, topology: Topology, declare_all: Callable[[AbstractChannel], Awaitable[None]], outage: Outage
    ) -> None:
        self._link = link
        self._topology = topology
        self._declare_all = declare_all
        self._outage = outage
        self._channel: AbstractChannel | None = None
        self._open = AsyncExitStack()
        self._opening = asyncio.Lock()
        self._waiting: set[str] = set()
        self.problem: str | None = None

    async def close(self) -> None:
        """Close the channel."""
        self._channel = None
        await self._open.aclose()

    async def broadcast(self, packs: Sequence[Pack]) -> None:
        """To every queue that is bound to the packs' names. A name that nobody subscribes to is no error."""
        exchange = self._topology.exchange
        await self._send([(exchange, pack.name, pack, None) for pack in packs])

    async def direct(self, queue: str, packs: Sequence[Pack]) -> None:
        """To this queue and no other. Raises BusUnavailable when it does not exist."""
        await self._send([("", queue, pack, None) for pack in packs])

    async def put_aside(self, consumer: str, failed: Sequence[Failed]) -> list[Failed]:
        """Each failed pack to the queue where it waits, or is parked after its last try. Answers the parked ones."""
        sends, parked = [], []
        for one in failed:
            pack = replace(one.pack, attempts=one.pack.attempts + 1)
            seconds = self._topology.after_failure(pack.attempts)
            if seconds is None:
                target = self._topology.parked(consumer)
                parked.append(one)
            else:
                target = await self._waiting_queue(consumer, seconds)
            sends.append(("", target, pack, one.error))
        if sends:
            await self._send(sends)
        return parked

    async def channel(self) -> AbstractChannel:
        """The open channel. A new one first declares all that the bus knows: nothing is published into the void."""
        async with self._opening:
            if self._channel is None or self._channel.is_closed:
                self._channel = None
                await self._open.aclose()
                channel = await self._open.enter_async_context(open_channel(self._link, confirms=True))
                async with broker_call("does not declare the queues"):
                    await self._declare_all(channel)
                self._waiting.clear()
                self._channel = channel
            return self._channel

    async def _send(self, sends: Sequence[tuple[str, str, Pack, str | None]]) -> None:
        self._see_that_it_takes_them()
        channel = await self.channel()
        try:
            async with asyncio.timeout(CONFIRM_SECONDS):
                results = await asyncio.gather(*(_publish(channel, *send) for send in sends), return_exceptions=True)
        except TimeoutError as error:
            self._channel = None
            self._see_that_it_takes_them()
            self.problem = f"RabbitMQ did not confirm within {CONFIRM_SECONDS:g} s"
            self._outage.failed(self.problem, _CONFIRMS)
            raise BusUnavailable(self.problem) from error
        for result in results:
            if isinstance(result, BaseException):
                self._waiting.clear()
                raise BusUnavailable(f"RabbitMQ did not take a message: {why(result)}") from result
        self.problem = None
        self._outage.worked(_CONFIRMS)

    def _see_that_it_takes_them(self) -> None:
        """What is sent to a broker that does not read fills buffers, and comes twice once it reads again."""
        if self._link.blocked:
            raise BusUnavailable(BLOCKED)

    async def _waiting_queue(self, consumer: str, seconds: float) -> str:
        """Waiting queues are made when first needed: most consumers never fail."""
        name = self._topology.waiting(consumer, seconds)
        if name not in self._waiting:
            channel = await self.channel()
            arguments = self._topology.waiting_arguments(consumer, seconds)
            async with broker_call(f"does not declare {name}"):
                await channel.queue_declare(name, durable=True, arguments=arguments)
            self._waiting.add(name)
        return name


async def _publish(channel: AbstractChannel, exchange: str, key: str, pack: Pack, error: str | None) -> None:
    properties = _properties(pack, error)
    answer = await channel.basic_publish(
        pack.body, exchange=exchange, routing_key=key, properties=properties, mandatory=True
    )
    if isinstance(answer, DeliveredMessage) and not exchange:
        raise LookupError(f"queue {key} does not exist")


def _properties(pack: Pack, error: str | None) -> Basic.Properties:
    headers: dict[str, str | int] = {"attempts": pack.attempts}
    if found := _TRACEPARENT.search(pack.body, 0, _HEAD_BYTES):
        headers["traceparent"] = found[1].decode()
    if error is not None:
        headers["error"] = error[:500]
    return Basic.Properties(
        message_id=pack.id,
        message_type=pack.name,
        content_type="application/json",
        delivery_mode=_PERSISTENT,
        headers=dict(headers),
    )
