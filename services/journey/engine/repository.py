"""The SQL of runs: claim, lock, fence, save; history and counters."""

from collections import Counter as Tally
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Row,
    and_,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    text,
    tuple_,
    union_all,
    update,
)

from services.journey.engine.models import LIVE_SQL, CountDelta, Counter, RunRow, StepLog, WaitRow
from services.journey.engine.run import Run
from shared.db import Transaction, claim_due, excluded, table, upsert

RUN = table(RunRow)
WAIT = table(WaitRow)
STEP = table(StepLog)
COUNTER = table(Counter)
DELTA = table(CountDelta)
CHUNK = 500

live = text(LIVE_SQL)
"""Literal, so that both planners can use the partial indexes."""
scheduled = text(f"{LIVE_SQL} AND NOT held")


def to_run(row: Any) -> Run:
    """The run in a row."""
    return Run(
        id=row.id,
        journey_id=row.journey_id,
        version=row.version,
        customer_id=row.customer_id,
        entry_key=row.entry_key,
        trigger_id=row.trigger_id,
        since=row.since,
        entered_at=row.entered_at,
        state=row.state,
        node_id=row.node_id,
        arrived_at=row.arrived_at,
        due_at=row.due_at,
        seq=row.seq,
        steps=row.steps,
        asks=row.asks,
        reason=row.reason,
        goal_at=row.goal_at,
        ended_at=row.ended_at,
        **row.context,
    )


def to_values(run: Run) -> dict[str, Any]:
    """The columns that a step may change."""
    return {
        "state": run.state,
        "node_id": run.node_id,
        "arrived_at": run.arrived_at,
        "due_at": run.due_at,
        "steps": run.steps,
        "asks": run.asks,
        "reason": run.reason,
        "goal_at": run.goal_at,
        "context": run.context,
    }


def _unleased(now: datetime) -> ColumnElement[bool]:
    return or_(RUN.c.lease_until.is_(None), RUN.c.lease_until <= now)


async def claim(tx: Transaction, now: datetime, lease: timedelta, limit: int) -> list[RunRow]:
    """Due runs for this worker, each with one more attempt on its account, so that one that kills its worker is noticed."""
    return await claim_due(
        tx,
        RunRow,
        where=and_(scheduled, RUN.c.due_at <= now, _unleased(now)),
        order_by=RUN.c.due_at,
        limit=limit,
        values={"lease_until": now + lease, "attempts": RUN.c.attempts + 1},
    )


async def next_due(tx: Transaction, now: datetime) -> datetime | None:
    """When the next run is due that nobody works on."""
    statement = select(RUN.c.due_at).where(scheduled, _unleased(now)).order_by(RUN.c.due_at).limit(1)
    found: datetime | None = await tx.scalar(statement)
    return found


async def lock(tx: Transaction, run_ids: Iterable[str]) -> list[Row[Any]]:
    """The rows, locked in the one order in which everybody locks runs."""
    rows: list[Row[Any]] = []
    wanted = sorted(set(run_ids))
    for start in range(0, len(wanted), CHUNK):
        chosen = RUN.c.id.in_(wanted[start : start + CHUNK])
        rows += (await tx.execute(select(RUN).where(chosen).order_by(RUN.c.id).with_for_update())).all()
    return rows


async def fence(tx: Transaction, runs: Sequence[Run]) -> set[str]:
    """Takes the next `seq` of each run. Only who still knew the present one wins; answers the winners' ids."""
    won: set[str] = set()
    pairs = sorted((run.id, run.seq) for run in runs)
    for start in range(0, len(pairs), CHUNK):
        part = pairs[start : start + CHUNK]
        ids = [run_id for run_id, _ in part]
        await tx.execute(select(RUN.c.id).where(RUN.c.id.in_(ids)).order_by(RUN.c.id).with_for_update())
        statement = update(RUN).where(tuple_(RUN.c.id, RUN.c.seq).in_(part)).values(seq=RUN.c.seq + 1)
        won |= set((await tx.execute(statement.returning(RUN.c.id))).scalars())
    return won


async def save(tx: Transaction, changes: Sequence[Mapping[str, Any]]) -> None:
    """Writes fenced runs; each mapping holds `id` and the columns. All mappings have the same keys."""
    if not changes:
        return
    names = [name for name in changes[0] if name != "id"]
    values = {name: bindparam(f"new_{name}", type_=RUN.c[name].type) for name in names}
    statement = update(RUN).where(RUN.c.id == bindparam("run_id")).values(values)
    await tx.execute(
        statement, [{"run_id": change["id"], **{f"new_{n}": change[n] for n in names}} for change in changes]
    )


async def forget_waits(tx: Transaction, nodes: Sequence[tuple[str, str]], ended: Sequence[str]) -> None:
    """Takes away the waits of nodes that were left, and all but the goals of runs that ended."""
    if nodes:
        mine = (WAIT.c.run_id == bindparam("run")) & (WAIT.c.kind == "node") & (WAIT.c.node_id == bindparam("node"))
        await tx.execute(
            delete(WAIT).where(mine), [{"run": run_id, "node": node_id} for run_id, node_id in sorted(nodes)]
        )
    for start in range(0, len(ended), CHUNK):
        chosen = WAIT.c.run_id.in_(ended[start : start + CHUNK])
        await tx.execute(delete(WAIT).where(chosen, WAIT.c.kind != "goal"))


async def forget_goals(tx: Transaction, run_ids: Sequence[str]) -> None:
    """Goals that were reached."""
    for start in range(0, len(run_ids), CHUNK):
        chosen = WAIT.c.run_id.in_(run_ids[start : start + CHUNK])
        await tx.execute(delete(WAIT).where(chosen, WAIT.c.kind == "goal"))


async def add(tx: Transaction, waits: Sequence[Mapping[str, Any]], steps: Sequence[Mapping[str, Any]]) -> None:
    """New waits and new lines of history."""
    if waits:
        await tx.execute(insert(WAIT), list(waits))
    if steps:
        await tx.execute(insert(STEP), list(steps))


COUNTED = ("journey_id", "kind", "node_id", "port", "target")
CountKey = tuple[str, str, str, str, str]
"""journey, kind, node, port, target."""


async def count(tx: Transaction, tally: Tally[CountKey], now: datetime) -> None:
    """Adds to the counters, without a lock: deltas are only inserted."""
    minute = now.replace(second=0, microsecond=0)
    rows = [
        {**dict(zip(COUNTED, key, strict=True)), "minute": minute, "count": amount} for key, amount in tally.items()
    ]
    if rows:
        await tx.execute(insert(DELTA), rows)


async def fold(tx: Transaction, limit: int) -> int:
    """Moves deltas into the counters; answers how many."""
    oldest = select(DELTA.c.id).order_by(DELTA.c.id).limit(limit).with_for_update(skip_locked=True)
    rows = (await tx.execute(delete(DELTA).where(DELTA.c.id.in_(oldest)).returning(DELTA))).all()
    sums: Tally[Any] = Tally()
    for row in rows:
        sums[(*(getattr(row, name) for name in COUNTED), row.minute)] += row._mapping["count"]
    names = (*COUNTED, "minute")
    totals = [{**dict(zip(names, key, strict=True)), "count": total} for key, total in sorted(sums.items())]
    await upsert(tx, COUNTER, totals, names, {"count": COUNTER.c.count + excluded(tx, COUNTER).count})
    return len(rows)


def counted() -> CompoundSelect[Any]:
    """Counters and what is not folded into them yet, one row each."""
    columns = (*COUNTED, "count")
    return union_all(*(select(*(source.c[name] for name in columns)) for source in (COUNTER, DELTA)))


async def counts(tx: Transaction, journey_id: str) -> list[Row[Any]]:
    """The sums of one journey's counters."""
    every = counted().subquery()
    keys = (every.c.kind, every.c.node_id, every.c.port, every.c.target)
    total = func.sum(every.c.count).label("total")
    return list((await tx.execute(select(*keys, total).where(every.c.journey_id == journey_id).group_by(*keys))).all())
