"""The SQL of what happened: the lines of each run's history, and the counters."""

from collections import Counter as Tally
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import CompoundSelect, delete, func, insert, select, union_all

from services.journey.engine.models import CountDelta, Counter, StepLog
from shared.db import Transaction, excluded, insert_bulk, one_of, upsert

CountKey = tuple[str, str, str, str, str]
"""journey, kind, node, port, target."""
_KEY = ("journey_id", "kind", "node_id", "port", "target")
_BUCKET = (*_KEY, "minute")


class CountSum(NamedTuple):
    """The sum of a counter over all minutes."""

    kind: str
    node_id: str
    port: str
    target: str
    total: int


async def insert_steps(tx: Transaction, rows: Sequence[Mapping[str, Any]]) -> None:
    """New lines of history."""
    if rows:
        await tx.run(insert(StepLog.table), list(rows))


async def steps_of(tx: Transaction, run_id: str, most: int) -> list[StepLog]:
    """The newest lines of a run's history, oldest first."""
    chosen = select(StepLog.table).where(StepLog.c.run_id == run_id)
    rows = await tx.rows(StepLog, chosen.order_by(StepLog.c.number.desc()).limit(most))
    return rows[::-1]


async def count(tx: Transaction, tally: Tally[CountKey], now: datetime) -> None:
    """Adds to the counters, without a lock: deltas are only inserted."""
    minute = now.replace(second=0, microsecond=0)
    rows = [{**dict(zip(_KEY, key, strict=True)), "minute": minute, "count": amount} for key, amount in tally.items()]
    await insert_bulk(tx, CountDelta.table, rows)


unfolded = select(CountDelta.table).order_by(CountDelta.c.id)
"""The deltas that are not in the counters yet, oldest first."""


async def fold(tx: Transaction, rows: Sequence[CountDelta]) -> None:
    """Moves these deltas, which are locked, into the counters."""
    await tx.run(delete(CountDelta.table).where(one_of(CountDelta.c.id, [row.id for row in rows])))
    sums: Tally[tuple[Any, ...]] = Tally()
    for row in rows:
        sums[tuple(getattr(row, name) for name in _BUCKET)] += row.count
    totals = [{**dict(zip(_BUCKET, key, strict=True)), "count": total} for key, total in sorted(sums.items())]
    more = Counter.c["count"] + excluded(tx, Counter.table)["count"]
    await upsert(tx, Counter.table, totals, _BUCKET, {"count": more})


def counted() -> CompoundSelect[Any]:
    """Counters and what is not folded into them yet, one row each."""
    columns = (*_KEY, "count")
    return union_all(*(select(*(source.c[name] for name in columns)) for source in (Counter, CountDelta)))


async def count_sums(tx: Transaction, journey_id: str) -> list[CountSum]:
    """The sums of one journey's counters."""
    every = counted().subquery()
    keys = (every.c.kind, every.c.node_id, every.c.port, every.c.target)
    total = func.sum(every.c.count).label("total")
    statement = select(*keys, total).where(every.c.journey_id == journey_id).group_by(*keys)
    return await tx.rows(CountSum, statement)
