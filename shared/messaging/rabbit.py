"""The bus of the production arrangement, on RabbitMQ. The only module that imports aio_pika.

What it declares is drawn in `topology.py`. Two connections, because the broker slows down a connection that publishes
too fast and acknowledgements must not stand in that queue. Each is made again whenever it is lost, and each consumer
subscribes again whenever its channel closes, its queue is deleted, or the broker says that it has no consumer.

A message is acknowledged after its handler committed; what failed is first published (and confirmed) to the queue where it
waits or is parked. A process killed between the two makes a duplicate, which the inbox knows.
"""

import asyncio
import random
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage, AbstractQueue
from aio_pika.exceptions import CONNECTION_EXCEPTIONS
from aiormq.abc import DeliveredMessage
from pamqp.common import FieldTable
from yarl import URL

from shared.contracts import REGISTRY
from shared.messaging.bus import BusUnavailable, Deliver, Failed, Pack, Parked
from shared.messaging.topology import Topology
from shared.observability.logging import get_logger

PREFETCH = 100
BATCH = PREFETCH // 2  # the other half arrives while this one is handled
BATCH_BYTES = 1_000_000  # what one transaction of a consumer should not exceed by much
HEARTBEAT_SECONDS = 10
CONNECT_SECONDS = 10.0
CONFIRM_SECONDS = 20.0
_PAUSES = (0.1, 5.0)
_TRACEPARENT = re.compile(rb'"traceparent":"([0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2})"')
_LOST = (*CONNECTION_EXCEPTIONS, TimeoutError, asyncio.CancelledError)
"""What aio_pika raises when the broker goes away; a cancelled future among it even when nobody cancelled us."""


def _why(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:300]


def _cancelled_from_outside(error: BaseException) -> bool:
    task = asyncio.current_task()
    return isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling() > 0


class _Pauses:
    """Growing waits with jitter, so that many processes don't come back to a broker in step."""

    def __init__(self) -> None:
        self._next = _PAUSES[0]

    def reset(self) -> None:
        self._next = _PAUSES[0]

    async def wait(self) -> None:
        await asyncio.sleep(self._next * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, not a secret
        self._next = min(self._next * 2, _PAUSES[1])


class _Link:
    """One connection, made again whenever it is lost."""

    def __init__(self, url: str, name: str) -> None:
        self._url = url
        self._name = name
        self._task: asyncio.Task[None] | None = None
        self._connection: AbstractConnection | None = None
        self._up = asyncio.Event()
        self._tried = asyncio.Event()
        self._log = get_logger(bus="rabbit", connection=name)
        self.problem: str | None = "not connected to RabbitMQ yet"

    async def start(self) -> None:
        """Returns when the first attempt has ended, well or not."""
        self._task = asyncio.create_task(self._keep(), name=f"rabbit {self._name}")
        await self._tried.wait()

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def connection(self) -> AbstractConnection:
        """The present connection. Raises BusUnavailable when there is none."""
        if self._connection is None or not self._connection.connected.is_set():
            raise BusUnavailable(self.problem or "the connection to RabbitMQ was lost")
        return self._connection

    async def wait(self) -> AbstractConnection:
        await self._up.wait()
        return self.connection()

    async def _keep(self) -> None:
        pauses = _Pauses()
        while True:
            try:
                connection = await self._connect()
            except (*CONNECTION_EXCEPTIONS, TimeoutError) as error:
                self.problem = f"RabbitMQ can't be reached: {_why(error)}"
                self._log.warning("connection failed", error=_why(error))
            else:
                pauses.reset()
                await self._hold(connection)
                self.problem = "the connection to RabbitMQ was lost"
                self._log.warning("connection lost")
            self._tried.set()
            await pauses.wait()

    async def _connect(self) -> AbstractConnection:
        url = URL(self._url)
        if "heartbeat" not in url.query:
            url = url.update_query(heartbeat=str(HEARTBEAT_SECONDS))
        properties: FieldTable = {"connection_name": self._name}
        return await aio_pika.connect(url, timeout=CONNECT_SECONDS, client_properties=properties)

    async def _hold(self, connection: AbstractConnection) -> None:
        lost = asyncio.Event()
        connection.close_callbacks.add(lambda *_: lost.set())
        if not connection.connected.is_set():
            return
        self._connection, self.problem = connection, None
        self._up.set()
        self._tried.set()
        try:
            await lost.wait()
        finally:
            self._up.clear()
            self._connection = None
            with suppress(*_LOST):
                await connection.close()


class _Publisher:
    """Publishes with confirms, many in flight, on one channel of its link."""

    def __init__(
        self, link: _Link, topology: Topology, declare_all: Callable[[AbstractChannel], Awaitable[None]]
    ) -> None:
        self._link = link
        self._topology = topology
        self._declare_all = declare_all
        self._channel: AbstractChannel | None = None
        self._opening = asyncio.Lock()
        self._waiting: set[str] = set()
        self.problem: str | None = None

    async def broadcast(self, packs: Sequence[Pack]) -> None:
        """To every queue that is bound to the packs' names. A name that nobody subscribes to is no error."""
        exchange = self._topology.exchange
        await self._send([(exchange, pack.name, _message(pack)) for pack in packs])

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
            sends.append(("", target, _message(pack, one.error)))
        await self._send(sends)
        return parked

    async def direct(self, queue: str, packs: Sequence[Pack]) -> None:
        await self._send([("", queue, _message(pack)) for pack in packs])

    async def _send(self, sends: Sequence[tuple[str, str, aio_pika.Message]]) -> None:
        channel = await self.channel()
        try:
            async with asyncio.timeout(CONFIRM_SECONDS):
                results = await asyncio.gather(*(_publish(channel, *send) for send in sends), return_exceptions=True)
        except TimeoutError as error:
            self.problem = f"RabbitMQ did not confirm within {CONFIRM_SECONDS:g} s (it may be short of memory or disk)"
            self._channel = None
            raise BusUnavailable(self.problem) from error
        for result in results:
            if isinstance(result, BaseException):
                self._waiting.clear()
                raise BusUnavailable(f"RabbitMQ did not take a message: {_why(result)}") from result
        self.problem = None

    async def channel(self) -> AbstractChannel:
        """The open channel. A new one first declares all that this bus knows, so that nothing is published into the void."""
        async with self._opening:
            if self._channel is None or self._channel.is_closed:
                async with _unavailable("does not open a channel"):
                    channel = await self._link.connection().channel(publisher_confirms=True)
                    await self._declare_all(channel)
                self._channel = channel
                self._waiting.clear()
            return self._channel

    async def _waiting_queue(self, consumer: str, seconds: float) -> str:
        """Waiting queues are made when first needed: most consumers never fail."""
        name = self._topology.waiting(consumer, seconds)
        if name not in self._waiting:
            channel = await self.channel()
            arguments = self._topology.waiting_arguments(consumer, seconds)
            async with _unavailable(f"does not declare {name}"):
                await channel.declare_queue(name, durable=True, arguments=arguments)
            self._waiting.add(name)
        return name


@asynccontextmanager
async def _unavailable(what: str) -> AsyncIterator[None]:
    """A few calls to the broker, with a deadline. Raises BusUnavailable for all that it and aio_pika may raise."""
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            yield
    except _LOST as error:
        if _cancelled_from_outside(error):
            raise
        raise BusUnavailable(f"RabbitMQ {what}: {_why(error)}") from error


async def _publish(channel: AbstractChannel, exchange: str, key: str, message: aio_pika.Message) -> None:
    underlay = await channel.get_underlay_channel()
    answer = await underlay.basic_publish(
        message.body, exchange=exchange, routing_key=key, properties=message.properties, mandatory=True
    )
    if isinstance(answer, DeliveredMessage) and not exchange:
        raise LookupError(f"queue {key} does not exist")


def _message(pack: Pack, error: str | None = None) -> aio_pika.Message:
    headers: dict[str, str | int] = {"attempts": pack.attempts}
    if found := _TRACEPARENT.search(pack.body, 0, 1024):
        headers["traceparent"] = found[1].decode()
    if error is not None:
        headers["error"] = error[:500]
    return aio_pika.Message(
        pack.body,
        message_id=pack.id,
        type=pack.name,
        content_type="application/json",
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        headers=dict(headers),
    )


def _pack(message: AbstractIncomingMessage) -> Pack:
    attempts = message.headers.get("attempts", 0)
    name = message.type or message.routing_key or ""
    return Pack(message.message_id or "", name, message.body, attempts if isinstance(attempts, int) else 0)


def _parked(message: AbstractIncomingMessage, consumer: str) -> Parked:
    pack = _pack(message)
    error = message.headers.get("error") or message.headers.get("x-first-death-reason") or "unknown reason"
    return Parked(pack.id, consumer, pack.name, pack.attempts, str(error), pack.body)


class _Worker:
    """One consumer's subscription: keeps itself subscribed and hands batches to `deliver`, one after the other."""

    def __init__(self, bus: "RabbitBus", consumer: str, deliver: Deliver) -> None:
        self._bus = bus
        self._consumer = consumer
        self._deliver = deliver
        self._task: asyncio.Task[None] | None = None
        self._tried = asyncio.Event()
        self._deciding = asyncio.Lock()
        self._log = get_logger(bus="rabbit", queue=consumer)
        self._problem: str | None = f"{consumer} is not subscribed yet"

    async def start(self) -> None:
        """Returns when subscribed, or when the first attempt failed (then it goes on trying)."""
        self._task = asyncio.create_task(self._keep(), name=f"rabbit consumer {self._consumer}")
        if self._bus.consuming.problem is None:
            await self._tried.wait()

    async def stop(self) -> None:
        """Returns when the batch at work is decided; what was only fetched goes back to the queue."""
        if self._task is not None:
            async with self._deciding:
                self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    @property
    def problem(self) -> str | None:
        stopped = self._task is None or self._task.done()
        return f"the consumer of {self._consumer} has stopped" if stopped else self._problem

    async def _keep(self) -> None:
        pauses = _Pauses()
        while True:
            try:
                await self._session(await self._bus.consuming.wait(), pauses)
                self._problem = f"{self._consumer} lost its channel"
            except (*_LOST, BusUnavailable) as error:
                if _cancelled_from_outside(error):
                    raise
                self._problem = f"{self._consumer} is not subscribed: {_why(error)}"
            self._log.warning("not subscribed", problem=self._problem)
            self._tried.set()
            await pauses.wait()

    async def _session(self, connection: AbstractConnection, pauses: _Pauses) -> None:
        """Subscribed on one channel, until that is lost."""
        arrived: asyncio.Queue[AbstractIncomingMessage | None] = asyncio.Queue()
        over = asyncio.Event()

        def end(*_: object) -> None:
            over.set()
            arrived.put_nowait(None)

        async with _channel(connection) as channel:
            channel.close_callbacks.add(end)
            await channel.set_qos(prefetch_count=PREFETCH, timeout=CONNECT_SECONDS)
            queue = await self._bus.declare_on(channel, self._consumer)
            (await channel.get_underlay_channel()).on_consumer_cancel_callbacks.add(end)
            await queue.consume(arrived.put, timeout=CONNECT_SECONDS)
            watchdog = asyncio.create_task(self._watch(queue, end))
            self._problem = None
            self._tried.set()
            pauses.reset()
            try:
                while not over.is_set():
                    await self._decide(await _gather(arrived), over)
            finally:
                watchdog.cancel()
                await asyncio.gather(watchdog, return_exceptions=True)

    async def _decide(self, batch: list[AbstractIncomingMessage], over: asyncio.Event) -> None:
        """Handle a batch to the end, however long the database or the broker is away; then acknowledge it.

        Gives up only when the channel is lost: the broker then hands the messages over again.
        """
        packs = [_pack(message) for message in batch]
        failed: list[Failed] | None = None
        pauses = _Pauses()
        while packs and not over.is_set():
            try:
                async with self._deciding:
                    if failed is None:
                        failed = await self._deliver(packs)
                    for one in await self._bus.publisher.put_aside(self._consumer, failed):
                        self._log.error("message parked", pack_id=one.pack.id, error=one.error)
                    await batch[-1].ack(multiple=True)
                return
            except Exception as error:
                self._log.warning("delivery postponed", error=_why(error))
            await pauses.wait()

    async def _watch(self, queue: AbstractQueue, end: Callable[[], None]) -> None:
        """Ask the broker now and then whether we still are a consumer; it may have forgotten us without a word."""
        try:
            while True:
                await asyncio.sleep(self._bus.watch_seconds)
                if (await queue.declare(timeout=CONNECT_SECONDS)).consumer_count == 0:
                    self._log.error("RabbitMQ knows no consumer of this queue")
                    return
        except _LOST as error:
            if _cancelled_from_outside(error):
                raise
            self._log.warning("the queue can't be asked about", error=_why(error))
        finally:
            end()


async def _gather(arrived: "asyncio.Queue[AbstractIncomingMessage | None]") -> list[AbstractIncomingMessage]:
    """Wait for a message and take what came with it, up to a batch. Empty at the end of the session."""
    batch: list[AbstractIncomingMessage] = []
    size = 0
    while not batch or (len(batch) < BATCH and size < BATCH_BYTES and not arrived.empty()):
        message = await arrived.get()
        if message is None:
            return []
        batch.append(message)
        size += len(message.body)
    return batch


@asynccontextmanager
async def _channel(connection: AbstractConnection) -> AsyncIterator[AbstractChannel]:
    """A channel without confirms. Closing it gives back to its queues whatever was not acknowledged."""
    async with _unavailable("does not open a channel"):
        channel = await connection.channel(publisher_confirms=False)
    try:
        yield channel
    finally:
        with suppress(BusUnavailable):
            async with _unavailable("does not close a channel"):
                await channel.close()


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
        self.watch_seconds = watch_seconds
        self.consuming = _Link(url, f"{name} consumers")
        self._publishing = _Link(url, f"{name} publisher")
        self.publisher = _Publisher(self._publishing, self.topology, self._declare_all)
        self._names: dict[str, tuple[str, ...]] = {}
        self._workers: dict[str, _Worker] = {}

    async def start(self) -> None:
        await asyncio.gather(self._publishing.start(), self.consuming.start())

    async def stop(self) -> None:
        await asyncio.gather(*(self.unsubscribe(consumer) for consumer in list(self._workers)))
        await asyncio.gather(self._publishing.stop(), self.consuming.stop())

    async def declare(self, queue: str, names: Sequence[str]) -> None:
        self._names[queue] = tuple(names)
        with suppress(BusUnavailable):
            channel = await self.publisher.channel()
            async with _unavailable(f"does not declare {queue}"):
                await self._declare(channel, queue)
                await self._unbind_others(channel, queue)

    async def subscribe(self, queue: str, names: Sequence[str], deliver: Deliver) -> None:
        if queue in self._workers:
            raise ValueError(f"{queue} has a consumer already")
        await self.declare(queue, names)
        self._workers[queue] = worker = _Worker(self, queue, deliver)
        await worker.start()

    async def unsubscribe(self, queue: str) -> None:
        worker = self._workers.pop(queue, None)
        if worker is not None:
            await worker.stop()

    async def publish(self, packs: Sequence[Pack]) -> None:
        await self.publisher.broadcast(packs)

    def health(self) -> list[str]:
        links = (self._publishing.problem, self.consuming.problem, self.publisher.problem)
        found = [*links, *(worker.problem for worker in self._workers.values())]
        return list(dict.fromkeys(problem for problem in found if problem is not None))

    async def parked(self, queue: str | None = None, limit: int = 100) -> list[Parked]:
        """Of one queue, or of all that this bus has declared. While it looks, others see fewer."""
        found: list[Parked] = []
        for consumer in [queue] if queue else sorted(self._names):
            async with self._parked_queue(consumer) as parked:
                while len(found) < limit and (message := await parked.get(fail=False)) is not None:
                    found.append(_parked(message, consumer))
        return found

    async def replay(self, queue: str, ids: Collection[str] | None = None) -> int:
        async def again(message: AbstractIncomingMessage) -> None:
            await self.publisher.direct(self.topology.queue(queue), [replace(_pack(message), attempts=0)])

        return await self._take_parked(queue, ids, again)

    async def drop(self, queue: str, ids: Collection[str] | None = None) -> int:
        async def nothing(message: AbstractIncomingMessage) -> None:
            return None

        return await self._take_parked(queue, ids, nothing)

    async def declare_on(self, channel: AbstractChannel, consumer: str) -> AbstractQueue:
        """The consumer's queue with its bindings, and its parked queue. For the workers of this bus."""
        async with _unavailable(f"does not declare {consumer}"):
            return await self._declare(channel, consumer)

    async def _declare_all(self, channel: AbstractChannel) -> None:
        await channel.declare_exchange(self.topology.exchange, "topic", durable=True)
        for consumer in self._names:
            await self._declare(channel, consumer)

    async def _declare(self, channel: AbstractChannel, consumer: str) -> AbstractQueue:
        topology = self.topology
        exchange = await channel.declare_exchange(topology.exchange, "topic", durable=True)
        await channel.declare_queue(topology.parked(consumer), durable=True, arguments=topology.parked_arguments())
        arguments = topology.queue_arguments(consumer)
        queue = await channel.declare_queue(topology.queue(consumer), durable=True, arguments=arguments)
        for name in self._names[consumer]:
            await queue.bind(exchange, name)
        return queue

    async def _unbind_others(self, channel: AbstractChannel, consumer: str) -> None:
        """Names that an older release of this consumer listened to. AMQP can't list bindings, so all known names go."""
        queue = await channel.get_queue(self.topology.queue(consumer), ensure=False)
        for name in REGISTRY.keys() - set(self._names[consumer]):
            await queue.unbind(self.topology.exchange, name)

    @asynccontextmanager
    async def _parked_queue(self, consumer: str) -> AsyncIterator[AbstractQueue]:
        """Messages got from it and not acknowledged are back in it afterwards."""
        async with _channel(self.consuming.connection()) as channel:
            async with _unavailable(f"does not show the parked messages of {consumer}"):
                name, arguments = self.topology.parked(consumer), self.topology.parked_arguments()
                queue = await channel.declare_queue(name, durable=True, arguments=arguments)
            yield queue

    async def _take_parked(
        self, consumer: str, ids: Collection[str] | None, act: Callable[[AbstractIncomingMessage], Awaitable[None]]
    ) -> int:
        """Do `act` with the chosen parked messages, then remove them. Answers how many they were."""
        wanted = None if ids is None else set(ids)
        taken = 0
        async with self._parked_queue(consumer) as parked:
            # No more than are there now: what is replayed may fail and be parked again meanwhile.
            for _ in range(parked.declaration_result.message_count or 0):
                message = await parked.get(fail=False)
                if message is None:
                    break
                if wanted is None or message.message_id in wanted:
                    await act(message)
                    await message.ack()
                    taken += 1
        return taken
