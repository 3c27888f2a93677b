"""What a test declares on RabbitMQ is gone after it, and after a killed run with the next."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager

import aio_pika
from kit.runs import ledger
from kit.servers import BROKER_URL

from shared.messaging.topology import Topology


@asynccontextmanager
async def swept(topology: Topology, consumers: Iterable[str]) -> AsyncIterator[None]:
    """Deletes at the end whatever a bus of this topology declares for these consumers."""
    names = [topology.exchange]
    for consumer in consumers:
        names += [topology.waiting(consumer, seconds) for seconds in topology.retry_seconds]
        names += [topology.queue(consumer), topology.parked(consumer)]
    noted = " ".join(names)
    ledger().note("broker", noted)
    try:
        yield
    finally:
        await sweep(names)
        ledger().forget("broker", noted)


async def sweep(names: Sequence[str]) -> None:
    """Delete an exchange and the queues named after it."""
    async with await aio_pika.connect(BROKER_URL) as connection:
        channel = await connection.channel()
        for queue in names[1:]:
            await channel.queue_delete(queue)
        await channel.exchange_delete(names[0])
