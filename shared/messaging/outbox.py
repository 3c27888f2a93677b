"""The outbox: a state change and its messages are one transaction; a relay hands them to the bus afterwards."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any

from pydantic_core import to_json
from sqlalchemy import MetaData, delete, func, insert, select

from shared.clock import Clock
from shared.contracts import Event
from shared.db import Database, Transaction
from shared.ids import new_id
from shared.messaging.bus import Bus, Pack
from shared.observability.context import current_cause
from shared.observability.metrics import OUTBOX_PUBLISHED

RELAY_BATCH = 200
RELAY_BYTES = 4_000_000
"""A batch ends with the pack that reaches this: what the relay has in memory and in flight stays bounded."""
_PACK_LIMIT = 200


class Outbox:
    """Writes messages beside the state change that they tell of."""

    def __init__(self, metadata: MetaData, clock: Clock) -> None:
        self.table = metadata.tables["outbox"]
        self._clock = clock
        self.wake = asyncio.Event()

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
        rows = [
            {"pack_id": pack[0]["id"], "name": pack[0]["name"], "body": to_json(pack), "created_at": now}
            for pack in _packs(envelopes)
        ]
        await tx.execute(insert(self.table), rows)
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

    async def tick(self) -> bool:
        """Send one batch; True when more may be waiting. Raises BusUnavailable while the broker is away."""
        async with self._round:  # on SQLite nothing else keeps two rounds from sending the same packs
            return await self._send()

    async def _send(self) -> bool:
        if self._db.dialect == "sqlite":
            # One process owns the file; holding its only write lock while a broker answers would stop the service.
            async with self._db.read() as tx:
                seqs, more = await self._choose(tx, locked=False)
                packs = await self._load(tx, seqs)
            if packs:
                await self._bus.publish(packs)
                async with self._db.write() as tx:
                    await self._forget(tx, seqs, packs)
        else:
            async with self._db.write() as tx:
                seqs, more = await self._choose(tx, locked=True)
                packs = await self._load(tx, seqs)
                if packs:
                    await self._bus.publish(packs)
                    await self._forget(tx, seqs, packs)
        OUTBOX_PUBLISHED.labels(self._name).inc(len(packs))
        return more

    async def backlog(self) -> int:
        """How many packs wait to be sent."""
        async with self._db.read() as tx:
            return int(await tx.scalar(select(func.count()).select_from(self._table)))

    async def _choose(self, tx: Transaction, *, locked: bool) -> tuple[list[int], bool]:
        """The oldest packs that make up a batch, and whether more may be waiting."""
        columns = (self._table.c.seq, func.length(self._table.c.body).label("size"))
        statement = select(*columns).order_by(self._table.c.seq).limit(RELAY_BATCH)
        if locked:
            statement = statement.with_for_update(skip_locked=True)
        rows = (await tx.execute(statement)).all()
        seqs, size = [], 0
        for row in rows:
            if size >= RELAY_BYTES:
                break
            seqs.append(row.seq)
            size += row.size
        return seqs, len(rows) == RELAY_BATCH or len(seqs) < len(rows)

    async def _load(self, tx: Transaction, seqs: list[int]) -> list[Pack]:
        if not seqs:
            return []
        columns = (self._table.c.pack_id, self._table.c.name, self._table.c.body)
        statement = select(*columns).where(self._table.c.seq.in_(seqs)).order_by(self._table.c.seq)
        return [Pack(row.pack_id, row.name, row.body) for row in await tx.execute(statement)]

    async def _forget(self, tx: Transaction, seqs: list[int], packs: list[Pack]) -> None:
        # By its own id as well: SQLite gives the number of a deleted row to the next, which nobody has sent yet.
        sent = self._table.c.seq.in_(seqs) & self._table.c.pack_id.in_([pack.id for pack in packs])
        await tx.execute(delete(self._table).where(sent))
