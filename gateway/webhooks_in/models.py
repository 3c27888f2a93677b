"""Tables of incoming webhooks."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    String,
    UniqueConstraint,
    text,
)
from sqlmodel import Field

from gateway.base import Base
from shared.db import JsonType, UtcDateTime


class Source(Base, table=True):
    """Somebody who may post to `/v1/hooks/{id}`. `secrets` as in `gateway/rotation.py`; `maps_to` as in `maps_to.py`.

    `signature_failures` counts the deliveries that were not proven; their reason is kept of the last one only.
    """

    __tablename__ = "webhook_sources"
    __table_args__ = (
        CheckConstraint("status IN ('active', 'paused', 'deleted')", name="status"),
        Index(None, "owner_id"),
    )

    id: str = Field(primary_key=True, max_length=40)
    owner_id: str = Field(max_length=40)
    name: str = Field(max_length=200)
    scheme: str = Field(max_length=40)
    secrets: list[dict[str, Any]] = Field(sa_column=Column(JsonType, nullable=False))
    maps_to: dict[str, Any] = Field(sa_column=Column(JsonType, nullable=False))
    status: str = Field(max_length=20)
    signature_failures: int = 0
    last_failure_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    last_failure: str | None = Field(default=None, max_length=200)
    created_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    changed_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


class Received(Base, table=True):
    """One proven delivery: what it became, or why not. The unique key keeps a repeated one from having a second effect.

    `body_hash` is the beginning of the SHA-256 of what was told, enough to compare it with the sender's copy.
    """

    __tablename__ = "webhook_received"
    __table_args__ = (
        UniqueConstraint("source_id", "delivery_id"),
        CheckConstraint("outcome IN ('accepted', 'ignored', 'refused', 'paused')", name="outcome"),
        Index(None, "source_id", "order_id"),
        Index(None, "last_at"),
        Index(
            "ix_webhook_received_failed",
            "source_id",
            "received_at",
            postgresql_where=text("outcome != 'accepted'"),
            sqlite_where=text("outcome != 'accepted'"),
        ),
    )

    id: str = Field(primary_key=True, max_length=40)
    source_id: str = Field(sa_column=Column(String(40), ForeignKey("webhook_sources.id"), nullable=False))
    delivery_id: str = Field(max_length=200)
    outcome: str = Field(max_length=20)
    code: str | None = Field(default=None, max_length=60)
    detail: str | None = Field(default=None, max_length=500)
    their_type: str | None = Field(default=None, max_length=100)
    event_type: str | None = Field(default=None, max_length=80)
    order_id: str | None = Field(default=None, max_length=200)
    message_id: str | None = Field(default=None, max_length=40)
    body_hash: str = Field(max_length=16)
    times: int = 1
    received_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    last_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    replayed_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


class KeptBody(Base, table=True):
    """What a delivery told, sealed (`sealed.py`), as long as it may be replayed."""

    __tablename__ = "webhook_bodies"
    __table_args__ = (
        ForeignKeyConstraint(
            ["source_id", "delivery_id"],
            ["webhook_received.source_id", "webhook_received.delivery_id"],
            ondelete="CASCADE",
        ),
        Index(None, "kept_at"),
    )

    source_id: str = Field(primary_key=True, max_length=40)
    delivery_id: str = Field(primary_key=True, max_length=200)
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    kept_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
