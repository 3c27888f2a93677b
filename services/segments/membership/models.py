"""Tables of audiences. Times of the evaluation are µs since 1970; uids are those of the profile table."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, Text, text
from sqlmodel import Field

from services.segments.base import Base
from shared.db import AutoId, JsonType, UtcDateTime


class RuleSetRevision(Base, table=True):
    """One row: `revision` is another number after every change of what is evaluated, so that each process notices."""

    __tablename__ = "rulebook"

    id: int = Field(primary_key=True)
    revision: int = Field(sa_type=BigInteger)


class Segment(Base, table=True):
    """An audience 人群 as it is now. status: backfilling, live, archived.

    While backfilling, profiles up to `cursor` (a uid) follow this version and are kept up to date; those beyond keep what
    an earlier version said. `member_count` changes with the membership rows, in the same transaction.
    """

    __tablename__ = "segment"
    __table_args__ = (
        CheckConstraint("member_count >= 0", name="member_count_not_negative"),
        CheckConstraint("status IN ('backfilling', 'live', 'archived')", name="status_known"),
    )

    id: str = Field(primary_key=True, max_length=40)
    owner_id: str = Field(max_length=40)
    name: str = Field(max_length=200)
    time_zone: str = Field(max_length=60)
    rule: dict[str, Any] = Field(sa_type=JsonType)
    status: str = Field(max_length=12, index=True)
    version: int
    member_count: int = Field(default=0, sa_type=BigInteger)
    cursor: int = Field(default=0, sa_type=BigInteger)
    entered: int = Field(default=0, sa_type=BigInteger)
    exited: int = Field(default=0, sa_type=BigInteger)
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)


class SegmentVersion(Base, table=True):
    """Every definition that a segment ever had; immutable."""

    __tablename__ = "segment_version"

    segment_id: str = Field(primary_key=True, max_length=40)
    version: int = Field(primary_key=True)
    rule: dict[str, Any] = Field(sa_type=JsonType)
    time_zone: str = Field(max_length=60)
    created_at: datetime = Field(sa_type=UtcDateTime)
    key_id: str = Field(max_length=80)


class LeafDefinition(Base, table=True):
    """A leaf that a segment uses. `ready`: its state is complete for every profile. Not used any more: removed with its state."""

    __tablename__ = "leaf"

    id: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    ready: bool = False
    used: bool = True


class LeafState(Base, table=True):
    """What a leaf says about one profile. No row: what it says about somebody who never did anything.

    `evidence` is the compacted contributions as JSON, NULL when there are too many (then the stored events are measured).
    """

    __tablename__ = "leaf_state"
    __table_args__ = (
        Index(
            "ix_leaf_state_next_flip_at",
            "next_flip_at",
            sqlite_where=text("next_flip_at IS NOT NULL"),
            postgresql_where=text("next_flip_at IS NOT NULL"),
        ),
        {"sqlite_with_rowid": False},
    )

    uid: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    leaf_id: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    value: bool
    evidence: str | None = Field(default=None, sa_type=Text)
    next_flip_at: int | None = Field(default=None, sa_type=BigInteger)


class Membership(Base, table=True):
    """A profile is in a segment. `since`: the instant of the change that brought it in (µs)."""

    __tablename__ = "membership"
    __table_args__ = (Index(None, "segment_id", "uid"), {"sqlite_with_rowid": False})

    uid: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    segment_id: str = Field(primary_key=True, max_length=40)
    since: int = Field(sa_type=BigInteger)
    version: int


class MembershipLog(Base, table=True):
    """Every change of membership; append-only. change: entered, exited. cause: event, time, edit, import, merge."""

    __tablename__ = "membership_log"
    __table_args__ = (
        Index(None, "segment_id", "uid", "id"),
        CheckConstraint("change IN ('entered', 'exited')", name="change_known"),
    )

    id: int = Field(default=None, primary_key=True, sa_type=AutoId)
    segment_id: str = Field(max_length=40)
    version: int
    uid: int = Field(sa_type=BigInteger)
    change: str = Field(max_length=8)
    at: int = Field(sa_type=BigInteger)
    cause: str = Field(max_length=10)
