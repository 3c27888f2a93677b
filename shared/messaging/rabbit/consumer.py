"""One consumer of the RabbitMQ bus: stays subscribed, hands over in batches, acknowledges what was decided."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from shared.messaging.bus import Deliver, Failed, Pack, is_told
from shared.messaging.rabbit.connection import (
    CALL_SECONDS,
    AbstractChannel,
    DeliveredMessage,
    Link,
    Pauses,
    broker_call,
    gone,
    open_channel,
    why,
)
from shared.observability.logging import get_logger
from shared.observability.outages import Outage

PREFETCH = 100
BATCH = PREFETCH // 2  # the other half arrives while this one is handled
BATCH_BYTES = 1_000_000
"""A batch ends with the message that reaches this, so that a consumer's transaction does not grow without bound."""


def pack_of(message: DeliveredMessage) -> Pack:
    """The message as the suite knows it, whoever sent it."""
    properties = message.header.properties
    attempts = (properties.headers or {}).get("attempts", 0)
    name = properties.message_type or message.routing_key or ""
    return Pack(properties.message_id or "", name, message.body, attempts if isinstance(attempts, int) else 0)


@dataclass(frozen=True)
class Duties:
    """What a worker does with its queue."""

    declare: Callable[[AbstractChannel], Awaitable[None]]
    """Makes the queue on a channel."""
    deliver: Deliver
    put_aside: Callable[[Sequence[Failed]], Awaitable[list[Failed]]]
    """Moves failed packs on and answers the parked ones."""


class Worker:
    """Keeps one queue subscribed and delivers its messages, one batch after the other."""

    def __init__(self, link: Link, consumer: str, queue: str, duties: Duties, watch_seconds: float) -> None:
        self._link = link
        self._consumer = consumer
        self._queue = queue
        self._deliver = duties.deliver
        self._declare = duties.declare
        self._put_aside = duties.put_aside
        self._watch_seconds = watch_seconds
        self._task: asyncio.Task[None] | None = None
        self._tried = asyncio.Event()
        self._deciding = asyncio.Lock()
        self._log = get_logger(bus="rabbit", queue=consumer)
        self._subscription = Outage(self._log, "the subscription")
        self._delivery = Outage(self._log, "delivery")
        self._problem: str | None = f"{consumer} is not subscribed yet"

    async def start(self) -> None:
        """Returns when subscribed, or when the first attempt failed (then it goes on trying)."""
        self._task = asyncio.create_task(self._keep(), name=f"rabbit consumer {self._consumer}")
        if self._link.problem is None:
            await self._tried.wait()

    async def stop(self) -> None:
        """Returns when the batch at work is decided; what was only fetched goes back to the queue."""
        if self._task is not None:
            async with self._deciding:
                self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    @property
    def problem(self) -> str | None:
        """What keeps this consumer from its messages, as a sentence; None when nothing does."""
        stopped = self._task is None or self._task.done()
        return f"the consumer of {self._consumer} has stopped" if stopped else self._problem

    async def _keep(self) -> None:
        pauses = Pauses()
        while True:
            await self._link.ready()
            try:
                await self._session(pauses)
                self._problem = f"{self._consumer} lost its channel"
            except (Exception, asyncio.CancelledError) as error:
                if isinstance(error, asyncio.CancelledError) and not gone(error):
                    raise
                self._problem = f"{self._consumer} is not subscribed: {why(error)}"
            self._tried.set()
            await pauses.wait()
            if self._link.problem is None:  # else the connection is lost, which is told
                self._subscription.failed(self._problem)

    async def _session(self, pauses: Pauses) -> None:
        """Subscribed on one channel, until that is lost."""
        arrived: asyncio.Queue[DeliveredMessage | None] = asyncio.Queue()
        over = asyncio.Event()

        def end(*_: object) -> None:
            over.set()
            arrived.put_nowait(None)

        async with open_channel(self._link) as channel:
            channel.closing.add_done_callback(end)
            async with broker_call(f"does not let {self._consumer} subscribe"):
                await channel.basic_qos(prefetch_count=PREFETCH)
                await self._declare(channel)
                channel.on_consumer_cancel_callbacks.add(end)
                await channel.basic_consume(self._queue, arrived.put)
            watchdog = asyncio.create_task(self._watch(channel, end))
            self._problem = None
            self._subscription.worked()
            self._tried.set()
            pauses.reset()
            try:
                while not over.is_set():
                    await self._decide(channel, await _gather(arrived), over)
            finally:
                watchdog.cancel()
                await asyncio.gather(watchdog, return_exceptions=True)

    async def _decide(self, channel: AbstractChannel, batch: list[DeliveredMessage], over: asyncio.Event) -> None:
        """Handle a batch to the end, however long the database or the broker is away; then acknowledge it.

        Gives up only when the channel is lost: the broker then hands the messages over again.
        """
        packs = [pack_of(message) for message in batch]
        failed: list[Failed] | None = None
        pauses = Pauses()
        while packs and not over.is_set():
            try:
                async with self._deciding:
                    if failed is None:
                        failed = await self._deliver(packs)
                    for one in await self._put_aside(failed):
                        self._log.error("message parked", pack_id=one.pack.id, error=one.error)
                    # Batches are decided in order, so this covers all before it as well.
                    await channel.basic_ack(batch[-1].delivery_tag or 0, multiple=True)
                self._delivery.worked()
                return
            except Exception as error:
                if not is_told(error):
                    self._delivery.failed(why(error))
            await pauses.wait()

    async def _watch(self, channel: AbstractChannel, end: Callable[[], None]) -> None:
        """Ask the broker now and then whether we still are a consumer; it may have forgotten us without a word."""
        try:
            while True:
                await asyncio.sleep(self._watch_seconds)
                found = await channel.queue_declare(self._queue, passive=True, timeout=CALL_SECONDS)
                if found.consumer_count == 0:
                    self._log.error("RabbitMQ knows no consumer of this queue")
                    return
        except Exception as error:
            self._log.debug("the queue can't be asked about", error=why(error))
        finally:
            end()


async def _gather(arrived: "asyncio.Queue[DeliveredMessage | None]") -> list[DeliveredMessage]:
    """Wait for a message and take what came with it, up to a batch. Empty at the end of the session."""
    batch: list[DeliveredMessage] = []
    size = 0
    while not batch or (len(batch) < BATCH and size < BATCH_BYTES and not arrived.empty()):
        message = await arrived.get()
        if message is None:
            return []
        batch.append(message)
        size += len(message.body)
    return batch
