"""The bus of the embedded arrangement: queues as rows of a database, handed over inside the process.

It carries the same bytes, waits and parks by the same table and passes the same tests as the RabbitMQ bus. One process
owns it. Its file survives a kill: packs are deleted only after their consumer committed.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, func, select, text, update

from shared.alarm import Alarm
from shared.clock import Clock
from shared.db import Database, Use, insert_ignore, is_outage, kind_of, seconds_until, used_for
from shared.messaging.bus import BusUnavailable, Deliver, Depth, Failed, Pack, Parked, is_told
from shared.messaging.local_repository import (
    BINDING,
    COUNT_DUE,
    COUNT_PARKED,
    DONE,
    METADATA,
    NEXT_BATCH,
    NEXT_DUE,
    PACK,
    PREFETCH,
    DuePack,
)
from shared.messaging.pace import rest_after
from shared.observability.errors import summary
from shared.observability.logging import get_logger
from shared.observability.outages import Outage

_LONGEST_SLEEP = 300.0
_OUTAGE_SECONDS = 1.0


@dataclass
class _Worker:
    deliver: Deliver
    outage: Outage
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    busy: asyncio.Lock = field(default_factory=asyncio.Lock)
    task: asyncio.Task[None] | None = None


class LocalBus:
    """See `shared.messaging.bus` for the guarantees. `retry_seconds` are the waits between tries; after them: parked."""

    def __init__(self, db: Database, clock: Clock, retry_seconds: Sequence[float] = (1, 60, 900)) -> None:
        self._db = db
        self._clock = clock
        self._retry = tuple(retry_seconds)
        self._bindings: dict[str, set[str]] = {}
        self._workers: dict[str, _Worker] = {}
        self._started = False
        self._alarm: asyncio.Task[None] | None = None
        self._problem: str | None = "the local bus is not started"
        self._log = get_logger(bus="local")

    async def start(self) -> None:
        """Make the tables and begin to deliver."""
        with used_for(Use.BACKGROUND):
            async with self._db.connection() as connection:
                if self._db.dialect == "postgresql":
                    async with connection.begin():
                        await connection.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{self._db.schema}"'))
                async with connection.begin():
                    await connection.run_sync(METADATA.create_all)
        async with self._db.read() as tx:
            for row in await tx.execute(select(BINDING)):
                self._bindings.setdefault(row.name, set()).add(row.queue)
        self._started, self._problem = True, None
        self._alarm = asyncio.create_task(Alarm(self._db, self._clock, self._hear).run(), name="bus alarm")

    async def stop(self) -> None:
        """Let the deliveries at work end, then close."""
        for queue in list(self._workers):
            await self.unsubscribe(queue)
        if self._alarm is not None:
            self._alarm.cancel()
            await asyncio.gather(self._alarm, return_exceptions=True)
        self._started, self._problem = False, "the local bus is not started"
        await self._db.close()

    async def declare(self, queue: str, names: Sequence[str]) -> None:
        """As `Bus.declare`."""
        async with self._db.write() as tx:
            stale = (BINDING.c.queue == queue) & BINDING.c.name.not_in(names)
            await tx.execute(delete(BINDING).where(stale))
            await insert_ignore(tx, BINDING, [{"queue": queue, "name": name} for name in names])
        for name, queues in self._bindings.items():
            if name not in names:
                queues.discard(queue)
        for name in names:
            self._bindings.setdefault(name, set()).add(queue)

    async def subscribe(self, queue: str, names: Sequence[str], deliver: Deliver) -> None:
        """As `Bus.subscribe`."""
        if queue in self._workers:
            raise ValueError(f"{queue} has a consumer already")
        await self.declare(queue, names)
        worker = _Worker(deliver, Outage(self._log.bind(queue=queue), "delivery"))
        self._workers[queue] = worker
        worker.task = asyncio.create_task(self._run(queue, worker), name=f"bus {queue}")

    async def unsubscribe(self, queue: str) -> None:
        """As `Bus.unsubscribe`."""
        worker = self._workers.pop(queue, None)
        if worker is None or worker.task is None:
            return
        async with worker.busy:  # a delivery at work may finish; between deliveries it is safe to stop
            worker.task.cancel()
        await asyncio.gather(worker.task, return_exceptions=True)

    async def publish(self, packs: Sequence[Pack]) -> None:
        """As `Bus.publish`: durable when this returns."""
        if not self._started:
            raise BusUnavailable(self._problem)  # its bindings are not known: nothing would reach anybody
        fresh = {"attempts": 0, "due_at": self._clock.now(), "parked": False}
        rows = [
            {"queue": queue, "pack_id": pack.id, "name": pack.name, "body": pack.body, **fresh}
            for pack in packs
            for queue in sorted(self._bindings.get(pack.name, ()))
        ]
        if not rows:
            return
        async with self._watched(), self._db.write() as tx:
            await insert_ignore(tx, PACK, rows)
        for queue in {row["queue"] for row in rows}:
            self._wake(str(queue))

    def health(self) -> list[str]:
        """As `Bus.health`."""
        problems = [self._problem] if self._problem else []
        for queue, worker in self._workers.items():
            if worker.task is None or worker.task.done():
                problems.append(f"the consumer of {queue} has stopped")
        return problems

    async def backlog(self) -> int:
        """Packs that are due and not yet handled (parked and waiting ones don't count)."""
        async with self._db.read() as tx:
            return int(await tx.scalar(select(func.count()).select_from(PACK).where(self._due())) or 0)

    async def depths(self, queues: Sequence[str] | None = None) -> list[Depth]:
        """As `Bus.depths`."""
        now, found = self._clock.now(), []
        async with self._watched(), self._db.read() as tx:
            for queue in sorted(set().union(*self._bindings.values()) if queues is None else queues):
                waiting = await tx.scalar(COUNT_DUE, {"queue_name": queue, "now": now})
                found.append(Depth(queue, waiting, await tx.scalar(COUNT_PARKED, {"queue_name": queue})))
        return found

    async def parked(self, queue: str | None = None, limit: int = 100) -> list[Parked]:
        """As `Bus.parked`."""
        statement = select(PACK).where(PACK.c.parked).order_by(PACK.c.seq).limit(limit)
        if queue is not None:
            statement = statement.where(PACK.c.queue == queue)
        async with self._db.read() as tx:
            rows = (await tx.execute(statement)).all()
        return [Parked(row.pack_id, row.queue, row.name, row.attempts, row.error or "", row.body) for row in rows]

    async def replay(self, queue: str, ids: Collection[str] | None = None) -> int:
        """As `Bus.replay`."""
        values = {"parked": False, "attempts": 0, "due_at": self._clock.now(), "error": None}
        async with self._db.write() as tx:
            found = (await tx.execute(update(PACK).where(_chosen(queue, ids)).values(**values))).rowcount
        self._wake(queue)
        return found

    async def drop(self, queue: str, ids: Collection[str] | None = None) -> int:
        """As `Bus.drop`."""
        async with self._db.write() as tx:
            return (await tx.execute(delete(PACK).where(_chosen(queue, ids)))).rowcount

    def _wake(self, queue: str) -> None:
        if queue in self._workers:
            self._workers[queue].wake.set()

    def _hear(self, news: bool) -> None:
        """What the alarm tells: another process may have written, such as one that replays what was parked."""
        for worker in self._workers.values() if news else ():
            worker.wake.set()

    def _due(self) -> Any:
        return ~PACK.c.parked & (PACK.c.due_at <= self._clock.now())

    @asynccontextmanager
    async def _watched(self) -> AsyncIterator[None]:
        """Around every use of the bus's database: turns its absence into BusUnavailable, and lets health() tell of it."""
        try:
            yield
        except Exception as error:
            found = kind_of(error)
            if found is None or not is_outage(error):
                raise
            reason = type(getattr(error, "orig", None) or error).__name__
            self._problem = f"the local bus's database {found.value} ({reason})"
            raise BusUnavailable(self._problem) from error
        if self._started:
            self._problem = None

    async def _run(self, queue: str, worker: _Worker) -> None:
        while True:
            worker.wake.clear()
            started = time.monotonic()
            try:
                async with worker.busy:
                    handled = await self._round(queue, worker.deliver)
                    rest = None if handled else await self._until_due(queue)
            except Exception as error:
                if not is_told(error):
                    worker.outage.failed(summary(error))
                await asyncio.sleep(_OUTAGE_SECONDS)
                continue
            worker.outage.worked()
            if handled == PREFETCH:
                continue
            if handled:
                await asyncio.sleep(rest_after(time.monotonic() - started))
            else:
                with suppress(TimeoutError):  # retries become due by time alone
                    async with asyncio.timeout(rest):
                        await worker.wake.wait()

    async def _until_due(self, queue: str) -> float:
        async with self._watched(), self._db.read() as tx:
            wait = seconds_until(await tx.scalar(NEXT_DUE, {"queue_name": queue}), self._clock.now())
        return _LONGEST_SLEEP if wait is None else min(wait, _LONGEST_SLEEP)

    async def _round(self, queue: str, deliver: Deliver) -> int:
        async with self._watched(), self._db.read() as tx:
            rows = await tx.rows(DuePack, NEXT_BATCH, {"queue_name": queue, "now": self._clock.now()})
        if not rows:
            return 0
        failed = await deliver([Pack(row.pack_id, row.name, row.body, row.attempts) for row in rows])
        async with self._watched(), self._db.write() as tx:
            await tx.run(DONE, {"seqs": [row.seq for row in rows]})
            if failed:
                await insert_ignore(tx, PACK, [self._again(queue, one) for one in failed])
        return len(rows)

    def _again(self, queue: str, failed: Failed) -> dict[str, Any]:
        attempts = failed.pack.attempts + 1
        parked = attempts > len(self._retry)
        wait = timedelta(seconds=0 if parked else self._retry[attempts - 1])
        if parked:
            self._log.error("message parked", queue=queue, pack_id=failed.pack.id, error=failed.error)
        return {
            "queue": queue,
            "pack_id": failed.pack.id,
            "name": failed.pack.name,
            "body": failed.pack.body,
            "attempts": attempts,
            "due_at": self._clock.now() + wait,
            "parked": parked,
            "error": failed.error,
        }


def _chosen(queue: str, ids: Collection[str] | None) -> ColumnElement[bool]:
    parked = (PACK.c.queue == queue) & PACK.c.parked
    return parked if ids is None else parked & PACK.c.pack_id.in_(list(ids))
