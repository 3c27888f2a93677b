"""Tables of journeys: the journey, its immutable versions, what its versions listen to, and copies of foreign ids."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Column, Index
from sqlmodel import Field

from services.journey.base import Base
from shared.db import JsonType, UtcDateTime


class Journey(Base, table=True):
    """One journey (旅程). `version` is the newest, `live_version` the one that new runs take."""

    __tablename__ = "journey"
    __table_args__ = (
        CheckConstraint("status IN ('draft', 'published', 'paused', 'stopped')", name="status"),
        CheckConstraint("live_version IS NULL OR live_version <= version", name="live_version"),
        Index("ix_journey_trigger", "entry_kind", "entry_name"),
        Index("ix_journey_status", "status"),
    )

    id: str = Field(primary_key=True, max_length=40)
    owner_id: str = Field(max_length=40)
    name: str = Field(max_length=200)
    status: str = Field(max_length=16)
    version: int
    live_version: int | None = None
    entry_kind: str | None = Field(default=None, max_length=20)  # of the live version
    entry_name: str | None = Field(default=None, max_length=200)  # its event or segment
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)


class JourneyVersion(Base, table=True):
    """What was drawn. Never changed once written."""

    __tablename__ = "journey_version"

    journey_id: str = Field(primary_key=True, max_length=40)
    version: int = Field(primary_key=True)
    definition: dict[str, Any] = Field(sa_column=Column(JsonType, nullable=False))
    created_at: datetime = Field(sa_type=UtcDateTime)


class Interest(Base, table=True):
    """An event name that a published version cares about, and the property that its key is found in ('' = none).

    It tells the event handler in one look-up which events matter and which correlation keys to compute.
    """

    __tablename__ = "interest"
    __table_args__ = (Index("ix_interest_event_name", "event_name"),)

    journey_id: str = Field(primary_key=True, max_length=40)
    event_name: str = Field(primary_key=True, max_length=200)
    key_property: str = Field(primary_key=True, max_length=200)


class KnownId(Base, table=True):
    """A coupon template or segment that exists, as far as its owner told us."""

    __tablename__ = "known_id"

    kind: str = Field(primary_key=True, max_length=20)  # coupon_template | segment
    id: str = Field(primary_key=True, max_length=64)
    name: str
    status: str = Field(max_length=40)
    version: int
