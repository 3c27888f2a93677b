"""From the outbox through the bus into a handler's transaction: messages per second, one to a pack and a hundred to a pack.

Yardstick, measured in the same run: bare aio-pika on one quorum queue, publishing with 100 confirms in flight and
consuming with prefetch 100 and one acknowledgement each, both in one process. The suite's figure contains much more:
reading and deleting the outbox, the inbox entry of every message, and the transactions that make both durable.
"""

import asyncio
import os
import tempfile
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from statistics import median
from typing import Any

import aio_pika
import uvloop

from bench.servers import database
from shared.clock import SystemClock
from shared.contracts import Envelope, StockLow
from shared.db import Database, TableModel, Transaction, part_registry
from shared.loops import Loop
from shared.messaging import Bus, Consumer, LocalBus, Outbox, Relay, Subscription
from shared.messaging.rabbit import RabbitBus
from shared.messaging.topology import Topology
from shared.observability.logging import configure_logging, get_logger

ROUNDS = 3
SINGLES = 4_000
PACKED = 40_000
PACK = 100
BROKER_URL = os.environ.get("QUANYU_TEST_BROKER_URL", "amqp://guest:guest@127.0.0.1:5672/")
CONSUMER = "bench.consumer"


class Base(TableModel, registry=part_registry()):
    """Outbox and inbox only."""


class Part:
    """Outbox, relay and consumer of one part, without a web application."""

    def __init__(self, db: Database, bus: Bus) -> None:
        clock = SystemClock()
        self.db = db
        self.bus = bus
        self.handled = 0
        self.wanted = 0
        self.done = asyncio.Event()
        self.outbox = Outbox(Base.metadata, clock)
        self.relay = Relay("bench", db, self.outbox, bus)
        self.consumer = Consumer(db, Base.metadata, clock, Subscription(CONSUMER, (StockLow,), self._handle))

    async def _handle(self, tx: Transaction, _event: StockLow, _envelope: Envelope) -> None:
        tx.after_commit(self._committed)
        self._in_transaction = getattr(self, "_in_transaction", 0) + 1

    def _committed(self) -> None:
        self.handled += self._in_transaction
        self._in_transaction = 0
        if self.handled >= self.wanted:
            self.done.set()

    async def write(self, count: int, pack: int) -> None:
        """Fill the outbox with `count` messages, `pack` to each pack."""
        for start in range(0, count, 1_000):
            async with self.db.write() as tx:
                for first in range(start, min(start + 1_000, count), pack):
                    events = [StockLow(sku=f"sku-{number}", available=3) for number in range(first, first + pack)]
                    await self.outbox.publish(tx, events)

    async def rate(self, count: int, pack: int) -> float:
        """Messages per second from a full outbox to the last commit of the handler."""
        await self.write(count, pack)
        self.handled, self.wanted = 0, count
        self.done.clear()
        await self.bus.subscribe(CONSUMER, ["stock.low"], self.consumer.deliver)
        started = time.perf_counter()
        loop = asyncio.create_task(
            Loop("relay", self.relay.tick, gather=True, wake=self.outbox.wake).run("bench", get_logger())
        )
        async with asyncio.timeout(300):
            await self.done.wait()
        took = time.perf_counter() - started
        loop.cancel()
        await asyncio.gather(loop, return_exceptions=True)
        await self.bus.unsubscribe(CONSUMER)
        return count / took


@asynccontextmanager
async def part(kind: str, folder: str, url: str) -> AsyncIterator[Part]:
    """The part on a fresh outbox and a fresh bus of this kind."""
    prefix = f"bench-{uuid.uuid4().hex[:8]}"
    if kind == "RabbitMQ, PostgreSQL":
        bus: Bus = RabbitBus(BROKER_URL, prefix=prefix, name="bench")
        db = Database(url, schema="public")
    elif kind == "local bus, PostgreSQL":
        bus, db = LocalBus(Database(url, schema="public"), SystemClock()), Database(url, schema="public")
    else:
        bus = LocalBus(Database(f"sqlite:///{folder}/{prefix}-bus.db", schema="bus"), SystemClock())
        db = Database(f"sqlite:///{folder}/{prefix}.db", schema="bench")
    async with db.connection() as connection, connection.begin():
        await connection.run_sync(Base.metadata.create_all)
    await bus.start()
    yield Part(db, bus)
    async with db.connection() as connection, connection.begin():
        await connection.run_sync(Base.metadata.drop_all)
    await db.close()
    await bus.stop()
    if isinstance(bus, RabbitBus):
        await _sweep(bus.topology)


async def _sweep(topology: Topology) -> None:
    async with await aio_pika.connect(BROKER_URL) as connection:
        channel = await connection.channel()
        for queue in (topology.queue(CONSUMER), topology.parked(CONSUMER)):
            await channel.queue_delete(queue)
        await channel.exchange_delete(topology.exchange)


async def yardstick() -> float:
    """Bare aio-pika: messages per second, published and consumed at the same time."""
    name = f"bench-{uuid.uuid4().hex[:8]}"
    body = b"x" * 300
    done = asyncio.Event()
    seen = 0
    async with await aio_pika.connect(BROKER_URL) as connection:
        publishing, consuming = await connection.channel(), await connection.channel()
        await consuming.set_qos(prefetch_count=100)
        queue = await consuming.declare_queue(name, durable=True, arguments={"x-queue-type": "quorum"})
        places = asyncio.Semaphore(100)

        async def consume(message: Any) -> None:
            nonlocal seen
            await message.ack()
            seen += 1
            if seen == SINGLES:
                done.set()

        async def publish() -> None:
            async with places:
                message = aio_pika.Message(body, delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
                await publishing.default_exchange.publish(message, name)

        await queue.consume(consume)
        started = time.perf_counter()
        await asyncio.gather(*(publish() for _ in range(SINGLES)))
        await done.wait()
        took = time.perf_counter() - started
        await consuming.queue_delete(name)
    return SINGLES / took


async def measure(url: str) -> list[str]:
    """Rows of the results table."""
    kinds = ("RabbitMQ, PostgreSQL", "local bus, SQLite", "local bus, PostgreSQL")
    found: dict[tuple[str, int], list[float]] = {(kind, pack): [] for kind in kinds for pack in (1, PACK)}
    bare = []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(ROUNDS):
            bare.append(await yardstick())
            for kind in kinds:
                async with part(kind, folder, url) as one:
                    found[kind, 1].append(await one.rate(SINGLES, 1))
                    found[kind, PACK].append(await one.rate(PACKED, PACK))
    rows = [f"| bare aio-pika, no database (yardstick) | – | {median(bare):,.0f}/s | 1.0 |"]
    for (kind, pack), rates in found.items():
        size = "one to a pack" if pack == 1 else f"{pack} to a pack"
        rows.append(f"| {kind} | {size} | {median(rates):,.0f}/s | {median(rates) / median(bare):.2f} |")
    return rows


def main() -> list[str]:
    """Rows of the results table: `| arrangement | pack | messages | ratio |`."""
    configure_logging("console", "error")
    with database() as url:
        rows = uvloop.run(measure(url))  # as the servers do
    print("\n".join(rows))
    return rows


if __name__ == "__main__":
    main()
