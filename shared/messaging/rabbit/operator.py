"""What an operator does with parked messages: look at them, take some out."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from shared.messaging.bus import Depth
from shared.messaging.rabbit.connection import (
    AbstractChannel,
    Basic,
    DeliveredMessage,
    Link,
    broker_call,
    open_channel,
)
from shared.messaging.topology import Topology


class Held:
    """Messages got from a parked queue one by one, oldest first, and not acknowledged yet."""

    def __init__(self, channel: AbstractChannel, queue: str) -> None:
        self._channel = channel
        self._queue = queue
        self._tags: dict[int, None] = {}

    async def next(self) -> DeliveredMessage | None:
        """None when the queue has no more."""
        async with broker_call(f"does not show {self._queue}"):
            message = await self._channel.basic_get(self._queue)
        if isinstance(message.delivery, Basic.GetEmpty) or message.delivery_tag is None:
            return None
        self._tags[message.delivery_tag] = None
        return message

    async def remove(self, message: DeliveredMessage) -> None:
        """Take one of them out of the queue for good."""
        tag = message.delivery_tag or 0
        async with broker_call("does not take an acknowledgement"):
            await self._channel.basic_ack(tag)
        del self._tags[tag]

    async def give_back(self) -> None:
        """Leave the others in the queue."""
        if self._tags:
            async with broker_call("does not take the messages back"):
                await self._channel.basic_nack(max(self._tags), multiple=True, requeue=True)


class Operator:
    """Uses one channel for all its calls, one after the other.

    The broker keeps the order of one channel's commands. On a channel of its own, a second look could come before the
    messages of the first one are back, and find nothing.
    """

    def __init__(self, link: Link, topology: Topology) -> None:
        self._link = link
        self._topology = topology
        self._channel: AbstractChannel | None = None
        self._open = AsyncExitStack()
        self._busy = asyncio.Lock()

    async def close(self) -> None:
        """Close the channel."""
        await self._open.aclose()

    @asynccontextmanager
    async def holding(self, consumer: str) -> AsyncIterator[Held]:
        """The parked messages. Those that were not removed are back in their queue afterwards."""
        name, arguments = self._topology.parked(consumer), self._topology.parked_arguments()
        async with self._busy:
            if self._channel is None or self._channel.is_closed:
                self._channel = None
                await self._open.aclose()
                self._channel = await self._open.enter_async_context(open_channel(self._link))
            async with broker_call(f"does not show the parked messages of {consumer}"):
                await self._channel.queue_declare(name, durable=True, arguments=arguments)
            held = Held(self._channel, name)
            try:
                yield held
            finally:
                await held.give_back()

    async def depth(self, consumer: str) -> Depth:
        """How full a consumer's queues are. A queue that is not there is asked for on a channel that ends with the question."""
        async with open_channel(self._link) as channel, broker_call(f"does not count the messages of {consumer}"):
            waiting = await channel.queue_declare(self._topology.queue(consumer), passive=True)
            parked = await channel.queue_declare(self._topology.parked(consumer), passive=True)
        return Depth(consumer, waiting.message_count or 0, parked.message_count or 0)

    async def look(self, consumer: str, limit: int) -> list[DeliveredMessage]:
        """The oldest `limit` parked messages."""
        found: list[DeliveredMessage] = []
        async with self.holding(consumer) as held:
            while len(found) < limit and (message := await held.next()) is not None:
                found.append(message)
        return found

    async def take(self, consumer: str, choose: Callable[[DeliveredMessage], Awaitable[bool]]) -> int:
        """Remove the parked messages for which `choose` answers True. Answers how many they were."""
        taken = 0
        async with self.holding(consumer) as held:
            while (message := await held.next()) is not None:
                if await choose(message):
                    await held.remove(message)
                    taken += 1
        return taken
