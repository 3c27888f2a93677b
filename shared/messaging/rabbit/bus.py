"""The RabbitMQ adapter of the bus.

Two connections, because the broker slows down a connection that publishes too fast and acknowledgements must not stand in
that queue. Each is made again whenever it is lost, and each consumer subscribes again whenever its channel closes, its
queue is deleted, or the broker says that it has no consumer.

A message is acknowledged after its handler committed; what failed is first published (and confirmed) to the queue where it
waits or is parked. A process killed between the two makes a duplicate, which the inbox knows.
"""

import asyncio
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import replace

from shared.contracts import REGISTRY
from shared.messaging.bus import BLOCKED, BusUnavailable, Deliver, Depth, Pack, Parked
from shared.messaging.rabbit.connection import AbstractChannel, DeliveredMessage, Link, broker_call
from shared.messaging.rabbit.consumer import Duties, Worker, pack_of
from shared.messaging.rabbit.operator import Operator
from shared.messaging.rabbit.publisher import Publisher
from shared.messaging.topology import Topology
from shared.observability.logging import get_logger
from shared.observability.outages import Outage


class RabbitBus:
    """See `shared.messaging.bus` for the guarantees.

    `url` is `amqp://user:password@host/vhost`. `prefix` begins all names, so that several suites can share a broker.
    Starting, declaring and subscribing succeed while the broker is away: what they mean is done as soon as it is there,
    before this bus publishes anything; `health()` says so meanwhile.
    """

    def __init__(
        self,
        url: str,
        *,
        prefix: str = "quanyu",
        retry_seconds: Sequence[float] = (1, 60, 900),
        name: str = "quanyu",
        watch_seconds: float = 15.0,
        delivery_limit: int = 50,
    ) -> None:
        self.topology = Topology(prefix, tuple(retry_seconds), delivery_limit)
        self._watch_seconds = watch_seconds
        outage = Outage(get_logger(bus="rabbit"), "RabbitMQ")
        self._consuming = Link(url, f"{name} consumers", outage)
        self._publishing = Link(url, f"{name} publisher", outage)
        self._operator = Operator(self._consuming, self.topology)
        self._publisher = Publisher(self._publishing, self.topology, self._declare_all, outage)
        self._names: dict[str, tuple[str, ...]] = {}
        self._workers: dict[str, Worker] = {}

    async def start(self) -> None:
        """Connect in the background; a broker that is away is tried again until it is there."""
        await asyncio.gather(self._publishing.start(), self._consuming.start())

    async def stop(self) -> None:
        """Let the deliveries at work end, then disconnect."""
        await asyncio.gather(*(self.unsubscribe(consumer) for consumer in list(self._workers)))
        await asyncio.gather(self._publisher.close(), self._operator.close())
        await asyncio.gather(self._publishing.stop(), self._consuming.stop())

    async def declare(self, queue: str, names: Sequence[str]) -> None:
        """As `Bus.declare`."""
        self._names[queue] = tuple(names)
        with suppress(BusUnavailable):
            channel = await self._publisher.channel()
            async with broker_call(f"does not declare {queue}"):
                await self._declare(channel, queue)
                await self._unbind_others(channel, queue)

    async def subscribe(self, queue: str, names: Sequence[str], deliver: Deliver) -> None:
        """As `Bus.subscribe`."""
        if queue in self._workers:
            raise ValueError(f"{queue} has a consumer already")
        await self.declare(queue, names)
        duties = Duties(
            declare=lambda channel: self._declare(channel, queue),
            deliver=deliver,
            put_aside=lambda failed: self._publisher.put_aside(queue, failed),
        )
        worker = Worker(self._consuming, queue, self.topology.queue(queue), duties, self._watch_seconds)
        self._workers[queue] = worker
        await worker.start()

    async def unsubscribe(self, queue: str) -> None:
        """As `Bus.unsubscribe`."""
        worker = self._workers.pop(queue, None)
        if worker is not None:
            await worker.stop()

    async def publish(self, packs: Sequence[Pack]) -> None:
        """As `Bus.publish`: confirmed by the broker when this returns."""
        await self._publisher.broadcast(packs)

    def health(self) -> list[str]:
        """As `Bus.health`."""
        blocked = BLOCKED if self._publishing.blocked else None
        links = (self._publishing.problem, self._consuming.problem, self._publisher.problem, blocked)
        found = [*links, *(worker.problem for worker in self._workers.values())]
        return list(dict.fromkeys(problem for problem in found if problem is not None))

    async def depths(self, queues: Sequence[str] | None = None) -> list[Depth]:
        """As `Bus.depths`: what the broker counts."""
        return [await self._operator.depth(queue) for queue in sorted(self._names if queues is None else queues)]

    async def parked(self, queue: str | None = None, limit: int = 100) -> list[Parked]:
        """Of one queue, or of all that this bus has declared. While it looks, other processes see fewer."""
        found: list[Parked] = []
        for consumer in [queue] if queue else sorted(self._names):
            messages = await self._operator.look(consumer, limit - len(found))
            found += [_parked(message, consumer) for message in messages]
        return found

    async def replay(self, queue: str, ids: Collection[str] | None = None) -> int:
        """As `Bus.replay`."""
        replayed: set[str] = set()

        async def again(message: DeliveredMessage) -> bool:
            pack = pack_of(message)
            # What was just replayed may have failed and be parked again already: once is enough.
            if pack.id in replayed or (ids is not None and pack.id not in ids):
                return False
            await self._publisher.direct(self.topology.queue(queue), [replace(pack, attempts=0)])
            replayed.add(pack.id)
            return True

        return await self._operator.take(queue, again)

    async def drop(self, queue: str, ids: Collection[str] | None = None) -> int:
        """As `Bus.drop`."""

        async def chosen(message: DeliveredMessage) -> bool:
            return ids is None or pack_of(message).id in ids

        return await self._operator.take(queue, chosen)

    async def _declare_all(self, channel: AbstractChannel) -> None:
        await channel.exchange_declare(self.topology.exchange, exchange_type="topic", durable=True)
        for consumer in self._names:
            await self._declare(channel, consumer)

    async def _declare(self, channel: AbstractChannel, consumer: str) -> None:
        """The consumer's queue with its bindings, and its parked queue."""
        topology = self.topology
        queue = topology.queue(consumer)
        await channel.exchange_declare(topology.exchange, exchange_type="topic", durable=True)
        await channel.queue_declare(topology.parked(consumer), durable=True, arguments=topology.parked_arguments())
        await channel.queue_declare(queue, durable=True, arguments=topology.queue_arguments(consumer))
        for name in self._names[consumer]:
            await channel.queue_bind(queue, topology.exchange, name)

    async def _unbind_others(self, channel: AbstractChannel, consumer: str) -> None:
        """Names that an older release of this consumer listened to. AMQP can't list bindings, so all known names go."""
        for name in sorted(REGISTRY.keys() - set(self._names[consumer])):
            await channel.queue_unbind(self.topology.queue(consumer), self.topology.exchange, name)


def _parked(message: DeliveredMessage, consumer: str) -> Parked:
    pack = pack_of(message)
    headers = message.header.properties.headers or {}
    error = headers.get("error") or headers.get("x-first-death-reason") or "unknown reason"
    return Parked(pack.id, consumer, pack.name, pack.attempts, str(error), pack.body)
