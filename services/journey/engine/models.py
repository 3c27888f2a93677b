"""Tables of the engine: runs, who entered when, what runs wait for, their history, the counters."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Column, Index, String, UniqueConstraint, text
from sqlmodel import Field

from services.journey.base import Base
from services.journey.run import RunState
from shared.db import AutoId, JsonType, UtcDateTime
from shared.web import partners_index

LIVE_SQL = "state IN ('ready', 'waiting', 'waiting_answer')"


class RunRow(Base, table=True):
    """One customer in one journey. A run in flight always has a due time, so nothing can be waited for in silence."""

    __tablename__ = "run"
    __table_args__ = (
        CheckConstraint(
            "state IN ('ready', 'waiting', 'waiting_answer', 'completed', 'exited', 'failed')", name="state"
        ),
        CheckConstraint(f"(due_at IS NOT NULL) = ({LIVE_SQL})", name="due_while_live"),
        UniqueConstraint("journey_id", "trigger_id"),
        Index(
            "uq_run_live",
            "journey_id",
            "customer_id",
            "entry_key",
            unique=True,
            sqlite_where=text(LIVE_SQL),
            postgresql_where=text(LIVE_SQL),
        ),
        Index(
            "ix_run_due",
            "due_at",
            sqlite_where=text(f"{LIVE_SQL} AND NOT held"),
            postgresql_where=text(f"{LIVE_SQL} AND NOT held"),
        ),
        Index(
            "ix_run_node",
            "journey_id",
            "node_id",
            sqlite_where=text(LIVE_SQL),
            postgresql_where=text(LIVE_SQL),
        ),
        Index("ix_run_held", "journey_id", sqlite_where=text("held"), postgresql_where=text("held")),
        Index("ix_run_customer", "customer_id", "journey_id"),
        partners_index("run"),
    )

    id: str = Field(primary_key=True, max_length=40)
    owner_id: str = Field(max_length=40)
    journey_id: str = Field(max_length=40)
    version: int
    customer_id: str = Field(max_length=255)
    entry_key: str = Field(max_length=255)
    trigger_id: str = Field(max_length=300)  # what started it: the same trigger starts nothing twice
    since: datetime = Field(sa_type=UtcDateTime)
    entered_at: datetime = Field(sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    state: RunState = Field(sa_column=Column(String(16), nullable=False))
    node_id: str = Field(max_length=64)
    arrived_at: datetime = Field(sa_type=UtcDateTime)
    due_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    seq: int = 0
    steps: int = 0
    asks: int = 0
    attempts: int = 0  # steps begun since the last that succeeded
    lease_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    held: bool = False  # set aside while its journey is paused
    context: dict[str, Any] = Field(sa_column=Column(JsonType, nullable=False))
    signal: dict[str, Any] | None = Field(default=None, sa_column=Column(JsonType, nullable=True))
    reason: str | None = Field(default=None, max_length=100)
    goal_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Enrolment(Base, table=True):
    """Who ever entered, kept for ever: re-entry is decided here. The row with the key '' counts every entry."""

    __tablename__ = "enrolment"

    journey_id: str = Field(primary_key=True, max_length=40)
    customer_id: str = Field(primary_key=True, max_length=255)
    entry_key: str = Field(primary_key=True, max_length=255)
    entries: int
    first_at: datetime = Field(sa_type=UtcDateTime)
    last_at: datetime = Field(sa_type=UtcDateTime)


class WaitRow(Base, table=True):
    """An event finds the runs that it concerns by (event_name, corr_key), never by a scan.

    Kinds: node (wakes a wait_for), memo (remembers the event for a later wait_for with since_entry), exit, goal.
    """

    __tablename__ = "wait"
    __table_args__ = (
        CheckConstraint("kind IN ('node', 'memo', 'exit', 'goal')", name="kind"),
        Index("ix_wait_event", "event_name", "corr_key"),
        Index("ix_wait_expires_at", "expires_at"),
    )

    run_id: str = Field(primary_key=True, max_length=40)
    kind: str = Field(primary_key=True, max_length=8)
    node_id: str = Field(primary_key=True, max_length=210)  # for exits: the event's name and manner
    event_name: str = Field(max_length=200)
    corr_key: str = Field(max_length=520)
    expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)  # goals only


class StepLog(Base, table=True):
    """The history of runs, append-only: node, port, reason, instant."""

    __tablename__ = "step_log"

    run_id: str = Field(primary_key=True, max_length=40)
    number: int = Field(primary_key=True)
    journey_id: str = Field(max_length=40)
    version: int
    node_id: str = Field(max_length=64)
    port: str | None = Field(default=None, max_length=64)
    target: str | None = Field(default=None, max_length=64)
    reason: str = Field(max_length=100)
    detail: dict[str, Any] = Field(sa_column=Column(JsonType, nullable=False))
    at: datetime = Field(sa_type=UtcDateTime)


class CountDelta(Base, table=True):
    """What one transaction adds to the counters. Only ever inserted: a hot counter row would queue all writers of a journey."""

    __tablename__ = "count_delta"

    id: int | None = Field(default=None, sa_column=Column(AutoId, primary_key=True, autoincrement=True))
    journey_id: str = Field(max_length=40, index=True)
    kind: str = Field(max_length=10)  # enter | edge | end | goal | refused
    node_id: str = Field(max_length=64)
    port: str = Field(max_length=64)  # of an edge; else the state, or the reason of a refusal
    target: str = Field(max_length=64)
    minute: datetime = Field(sa_type=UtcDateTime)
    count: int


class Counter(Base, table=True):
    """Counts in buckets of a minute, folded from the deltas: live figures scan neither runs nor history."""

    __tablename__ = "counter"

    journey_id: str = Field(primary_key=True, max_length=40)
    kind: str = Field(primary_key=True, max_length=10)
    node_id: str = Field(primary_key=True, max_length=64)
    port: str = Field(primary_key=True, max_length=64)
    target: str = Field(primary_key=True, max_length=64)
    minute: datetime = Field(primary_key=True, sa_type=UtcDateTime)
    count: int
