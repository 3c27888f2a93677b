"""The SQL of replicas."""

from datetime import datetime

from sqlalchemy import delete, func, select

from gateway.limits.models import Replica
from shared.db import Transaction, upsert


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
