"""The tables of the local bus, and the statements that it runs again and again."""

from typing import Any, NamedTuple

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Select,
    String,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    delete,
    func,
    select,
)

from shared.db import AutoId, Prepared, UtcDateTime, one_of
from shared.messaging.bus import MOST_COUNTED

PREFETCH = 50
BATCH_BYTES = 1_000_000
"""A batch ends with the pack that reaches this, so that neither memory nor a consumer's transaction grows without bound."""

METADATA = MetaData()
BINDING = Table(
    "bus_binding",
    METADATA,
    Column("queue", String(80), nullable=False),
    Column("name", String(80), nullable=False),
    PrimaryKeyConstraint("queue", "name"),
)
PACK = Table(
    "bus_pack",
    METADATA,
    Column("seq", AutoId, primary_key=True, autoincrement=True),
    Column("queue", String(80), nullable=False),
    Column("pack_id", String(80), nullable=False),
    Column("name", String(80), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    Column("parked", Boolean, nullable=False),
    Column("error", Text),
    UniqueConstraint("queue", "pack_id"),
    Index("ix_bus_pack_due", "queue", "parked", "due_at"),
)


class DuePack(NamedTuple):
    """A pack that is to be handed over."""

    seq: int
    pack_id: str
    name: str
    body: bytes
    attempts: int


def _next_batch() -> Select[Any]:
    """The due packs of one queue, oldest first: as many as fit, at least one."""
    mine = (PACK.c.queue == bindparam("queue_name"), ~PACK.c.parked, PACK.c.due_at <= bindparam("now"))
    due = (
        select(*(PACK.c[name] for name in DuePack._fields)).where(*mine).order_by(PACK.c.seq).limit(PREFETCH).subquery()
    )
    size = func.length(due.c.body)
    sized = select(due, (func.sum(size).over(order_by=due.c.seq) - size).label("before")).subquery()
    return (
        select(*(sized.c[name] for name in DuePack._fields)).where(sized.c.before < BATCH_BYTES).order_by(sized.c.seq)
    )


# Built once: their making costs more than their running.
NEXT_BATCH = Prepared(_next_batch())
NEXT_DUE = Prepared(
    select(PACK.c.due_at)
    .where(PACK.c.queue == bindparam("queue_name"), ~PACK.c.parked)
    .order_by(PACK.c.due_at)
    .limit(1)
)
DONE = Prepared(delete(PACK).where(one_of(PACK.c.seq, "seqs")))


def _count(*chosen: ColumnElement[bool]) -> Prepared:
    """How many packs of a queue are so; no more than MOST_COUNTED are looked at."""
    some = select(PACK.c.seq).where(PACK.c.queue == bindparam("queue_name"), *chosen).limit(MOST_COUNTED).subquery()
    return Prepared(select(func.count()).select_from(some))


COUNT_DUE = _count(~PACK.c.parked, PACK.c.due_at <= bindparam("now"))
COUNT_PARKED = _count(PACK.c.parked)
