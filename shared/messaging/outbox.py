"""The outbox: a state change and its messages are one transaction; a relay hands them to the bus afterwards."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from itertools import groupby
from typing import Any, NamedTuple

from pydantic_core import to_json
from sqlalchemy import CTE, MetaData, Table, bindparam, delete, func, insert, select

from shared.clock import Clock
from shared.contracts import Event
from shared.db import Database, Prepared, Transaction, Write, one_of
from shared.ids import new_id
from shared.messaging.bus import MOST_COUNTED, Bus, Pack
from shared.observability.context import current_cause
from shared.observability.metrics import OUTBOX_PUBLISHED

RELAY_BATCH = 200
RELAY_BYTES = 4_000_000
"""A batch ends with the pack that reaches this: what the relay has in memory and in flight stays bounded."""
_PACK_LIMIT = 200


class _Waiting(NamedTuple):
    """A pack in the outbox."""

    seq: int
    pack_id: str
    name: str
    body: bytes


class Outbox:
    """Writes messages beside the state change that they tell of."""

    def __init__(self, metadata: MetaData, clock: Clock) -> None:
        self.table = metadata.tables["outbox"]
        self._clock = clock
        self.wake = asyncio.Event()
        given: dict[str, Any] = {name: bindparam(name) for name in ("pack_id", "name", "body", "created_at")}
        self._insert = Prepared(insert(self.table).values(given).inline())

    async def publish(
        self,
        tx: Transaction,
        events: Sequence[Event],
        *,
        subject: Callable[[Any], str | None] = lambda event: getattr(event, "customer_id", None),
        correlations: Sequence[str | None] | None = None,
    ) -> list[str]:
        """Record `events` in the caller's transaction; the relay sends them after the commit.

        `subject` names whom an event is about. `correlations`, one for each event, tells which request caused it where
        several requests share a transaction; default is the present cause. Answers the message ids, in order.
        """
        if not events:
            return []
        now = self._clock.now()
        envelopes = self._envelopes(events, subject, correlations)
        for pack in _packs(envelopes):
            row = {"pack_id": pack[0]["id"], "name": pack[0]["name"], "body": to_json(pack), "created_at": now}
            tx.later(Write(self._insert, row, self.table.name, changes=False))
        tx.after_commit(self.wake.set)
        return [envelope["id"] for envelope in envelopes]

    def _envelopes(
        self, events: Sequence[Event], subject: Callable[[Any], str | None], correlations: Sequence[str | None] | None
    ) -> list[dict[str, Any]]:
        cause = current_cause.get()
        occurred_at = self._clock.now()
        return [
            {
                "id": new_id("evt"),
                "name": event.name,
                "version": event.version,
                "occurred_at": occurred_at,
                "subject": subject(event),
                "correlation_id": cause.correlation_id if correlations is None else correlations[index],
                "causation_id": cause.causation_id,
                "traceparent": cause.traceparent,
                "payload": event,
            }
            for index, event in enumerate(events)
        ]


def _packs(envelopes: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    for _, same_name in groupby(envelopes, key=lambda envelope: envelope["name"]):
        run = list(same_name)
        for start in range(0, len(run), _PACK_LIMIT):
            yield run[start : start + _PACK_LIMIT]


class Relay:
    """Moves packs from the outbox to the bus and deletes them once the bus has them: at least once, never none."""

    def __init__(self, name: str, db: Database, outbox: Outbox, bus: Bus) -> None:
        self._name = name
        self._db = db
        self._table = outbox.table
        self._bus = bus
        self._round = asyncio.Lock()
        due = _oldest(self._table)
        pack = (self._table.c.seq, self._table.c.pack_id, self._table.c.name, self._table.c.body)
        mine = (self._table.c.seq == due.c.seq, due.c.before < RELAY_BYTES)
        self._look = Prepared(select(*pack).where(*mine))
        self._take = Prepared(delete(self._table).where(*mine).returning(*pack))
        # By its own id as well: SQLite gives the number of a deleted row to the next, which nobody has sent yet.
        self._forget = Prepared(delete(self._table).where(one_of((self._table.c.seq, self._table.c.pack_id), "sent")))

    async def tick(self) -> bool:
        """Send one batch; True when more may be waiting. Raises BusUnavailable while the broker is away."""
        async with self._round:  # on SQLite nothing else keeps two rounds from sending the same packs
            packs = await (self._send_then_delete() if self._db.dialect == "sqlite" else self._send_while_deleting())
        OUTBOX_PUBLISHED.labels(self._name).inc(len(packs))
        return len(packs) == RELAY_BATCH or sum(len(pack.body) for pack in packs) >= RELAY_BYTES

    async def _send_while_deleting(self) -> list[Pack]:
        """What is deleted and not committed is skipped by other replicas, and is there again should we be killed."""
        async with self._db.write() as tx:
            rows = await tx.rows(_Waiting, self._take)
            return await self._send(rows)

    async def _send_then_delete(self) -> list[Pack]:
        """One process owns the file; holding its only write lock while a broker answers would stop the service."""
        async with self._db.read() as tx:
            rows = await tx.rows(_Waiting, self._look)
        packs = await self._send(rows)
        if rows:
            async with self._db.write() as tx:
                await tx.run(self._forget, {"sent": [(row.seq, row.pack_id) for row in rows]})
        return packs

    async def _send(self, rows: Sequence[_Waiting]) -> list[Pack]:
        packs = [Pack(row.pack_id, row.name, row.body) for row in sorted(rows)]
        if packs:
            await self._bus.publish(packs)
        return packs

    async def backlog(self) -> int:
        """How many packs wait to be sent."""
        async with self._db.read() as tx:
            return int(await tx.scalar(select(func.count()).select_from(self._table)))

    async def pressing(self, clock: Clock) -> tuple[int, timedelta]:
        """How many packs wait, of which no more than MOST_COUNTED are counted, and how long the oldest has."""
        some = select(self._table.c.seq).limit(MOST_COUNTED).subquery()
        async with self._db.read() as tx:
            count = int(await tx.scalar(select(func.count()).select_from(some)) or 0)
        return count, await self.waiting(clock) if count else timedelta()

    async def waiting(self, clock: Clock) -> timedelta:
        """How long the oldest pack has waited to be sent."""
        async with self._db.read() as tx:
            oldest = await tx.scalar(select(self._table.c.created_at).order_by(self._table.c.seq).limit(1))
        return timedelta() if oldest is None else clock.now() - oldest


def _oldest(table: Table) -> CTE:
    """The numbers of the oldest packs that no other relay has, with how many bytes come before each."""
    oldest = select(table.c.seq, func.length(table.c.body).label("size")).order_by(table.c.seq).limit(RELAY_BATCH)
    free = oldest.with_for_update(skip_locked=True).cte("free")
    before = func.sum(free.c.size).over(order_by=free.c.seq) - free.c.size
    return select(free.c.seq, before.label("before")).cte("due")
