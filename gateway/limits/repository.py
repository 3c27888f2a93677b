"""The SQL of replicas, and of what was counted in periods."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, delete, func, select, update

from gateway.limits.models import PeriodCount, Replica
from shared.db import Transaction, excluded, insert_ignore, one_of, upsert


async def is_alone(tx: Transaction, replica_id: str) -> bool:
    """Whether this replica, and no other one, is written down."""
    return await tx.scalars(select(Replica.c.id).limit(2)) == [replica_id]


async def note_seen(tx: Transaction, replica_id: str, now: datetime) -> None:
    """Write down that a replica is there."""
    await upsert(tx, Replica.table, [{"id": replica_id, "seen_at": now}], ["id"], ["seen_at"])


async def delete_replicas(tx: Transaction, before: datetime) -> None:
    """Forget the replicas that were not seen since then."""
    await tx.run(delete(Replica.table).where(Replica.c.seen_at < before))


async def delete_replica(tx: Transaction, replica_id: str) -> None:
    """Forget one that stops."""
    await tx.run(delete(Replica.table).where(Replica.c.id == replica_id))


async def count_replicas(tx: Transaction) -> int:
    """How many replicas there are."""
    return int(await tx.scalar(select(func.count()).select_from(Replica.table)))


class Counted(NamedTuple):
    """What all replicas counted in the bucket of a period."""

    bucket: str
    calls: int
    ends_at: datetime


_COUNTED = select(PeriodCount.c.bucket, PeriodCount.c.calls, PeriodCount.c.ends_at)


async def add_counts(tx: Transaction, counts: Sequence[Counted]) -> list[Counted]:
    """Count up; answers what the buckets now hold. `counts` are in one order, so that replicas don't lock each other out."""
    more = PeriodCount.c.calls + excluded(tx, PeriodCount.table).calls
    await upsert(tx, PeriodCount.table, [one._asdict() for one in counts], ["bucket"], {"calls": more})
    return await tx.rows(Counted, _COUNTED.where(one_of(PeriodCount.c.bucket, [one.bucket for one in counts])))


async def add_within(tx: Transaction, count: Counted, most: int) -> bool:
    """Count up unless that makes it more than `most`. False when it does; calls at the same time wait for each other."""
    await insert_ignore(tx, PeriodCount.table, [count._asdict() | {"calls": 0}])
    more = PeriodCount.c.calls + count.calls
    chosen = update(PeriodCount.table).where(PeriodCount.c.bucket == count.bucket, more <= most)
    return await tx.run(chosen.values(calls=more)) > 0


async def counts_of(tx: Transaction, now: datetime) -> list[Counted]:
    """All buckets whose period is not over."""
    return await tx.rows(Counted, _COUNTED.where(PeriodCount.c.ends_at > now))


def over(before: datetime) -> ColumnElement[bool]:
    """Of a bucket: its period was over then."""
    return PeriodCount.c.ends_at < before
