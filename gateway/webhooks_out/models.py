"""Tables of outgoing webhooks."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlmodel import Field

from gateway.base import Base
from shared.db import JsonType, UtcDateTime


class Endpoint(Base, table=True):
    """Where somebody wants to hear of events. `secrets` is a list of `{"secret", "until"}`, newest first.

    `scopes` are those of the key that chose URL and events: more than they cover is not told, whatever `events` says.

    `conditions` are what an event's properties must meet. `headers` and the `secret` in each of `signing_keys` are sealed.

    `failing_since` is the first failure after the last success; `paused_until` is what the endpoint itself asked for, before
    `paced_until` it has had what it wants in a second; `standing` says how it answered last: `quick`, `slow`, or `unproven`
    when it failed or was never called.
    """

    __tablename__ = "webhook_endpoints"
    __table_args__ = (
        CheckConstraint("status IN ('enabled', 'disabled', 'deleted')", name="status"),
        CheckConstraint("standing IN ('quick', 'slow', 'unproven')", name="standing"),
        CheckConstraint("payload IN ('full', 'thin')", name="payload"),
        Index(None, "owner_id"),
    )

    id: str = Field(primary_key=True, max_length=40)
    owner_id: str = Field(max_length=40)
    url: str = Field(max_length=2000)
    events: list[str] = Field(sa_column=Column(JsonType, nullable=False))
    scopes: list[str] = Field(sa_column=Column(JsonType, nullable=False))
    description: str | None = Field(default=None, max_length=500)
    secrets: list[dict[str, Any]] = Field(sa_column=Column(JsonType, nullable=False))
    signing_keys: list[dict[str, Any]] = Field(
        default_factory=list, sa_column=Column(JsonType, nullable=False, default=[])
    )
    public_key: str | None = Field(default=None, max_length=60)
    conditions: list[dict[str, Any]] = Field(
        default_factory=list, sa_column=Column(JsonType, nullable=False, default=[])
    )
    payload: str = Field(default="full", max_length=10)
    headers: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    header_names: list[str] = Field(default_factory=list, sa_column=Column(JsonType, nullable=False, default=[]))
    max_in_flight: int | None = None
    rate_per_second: int | None = None
    paced_until: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    status: str = Field(max_length=20)
    disabled_reason: str | None = Field(default=None, max_length=40)
    standing: str = Field(default="unproven", max_length=20)
    failing_since: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    paused_until: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    created_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    changed_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


class WebhookEvent(Base, table=True):
    """What is sent, as the bytes that are signed: the same for every endpoint and attempt."""

    __tablename__ = "webhook_events"
    __table_args__ = (Index(None, "created_at"),)

    id: str = Field(primary_key=True, max_length=80)
    type: str = Field(max_length=80)
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    created_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


class Delivery(Base, table=True):
    """One event on its way to one endpoint. `round` counts the attempts since it was made or replayed.

    `thin`: sent without more than ids. `held`: the endpoint is, or was, disabled; the delivery waits for a replay, until it is
    forgotten like finished ones.
    """

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        UniqueConstraint("endpoint_id", "event_id"),
        CheckConstraint("status IN ('pending', 'held', 'delivered', 'failed')", name="status"),
        Index(None, "endpoint_id", "status", "next_attempt_at"),
        Index(None, "endpoint_id", "status", "created_at"),
        Index(None, "event_id"),
        Index(None, "finished_at"),
    )

    id: str = Field(primary_key=True, max_length=40)
    endpoint_id: str = Field(sa_column=Column(String(40), ForeignKey("webhook_endpoints.id"), nullable=False))
    event_id: str = Field(sa_column=Column(String(80), ForeignKey("webhook_events.id"), nullable=False))
    event_type: str = Field(max_length=80)
    thin: bool = False
    status: str = Field(max_length=20)
    attempts: int = 0
    round: int = 0
    next_attempt_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    lease: str | None = Field(default=None, max_length=40)
    lease_until: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    replayed_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    last_status: int | None = None
    last_error: str | None = Field(default=None, max_length=300)
    created_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    finished_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


class Attempt(Base, table=True):
    """One try: what the endpoint answered, or why it could not. `answer` holds at most 1 kB, `head` a few headers of it."""

    __tablename__ = "webhook_attempts"
    __table_args__ = (Index(None, "delivery_id"),)

    id: str = Field(primary_key=True, max_length=40)
    delivery_id: str = Field(
        sa_column=Column(String(40), ForeignKey("webhook_deliveries.id", ondelete="CASCADE"), nullable=False)
    )
    number: int
    at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    status: int | None = None
    milliseconds: int
    error: str | None = Field(default=None, max_length=300)
    answer: str | None = Field(default=None, max_length=1100)
    head: dict[str, str] | None = Field(default=None, sa_column=Column(JsonType))
