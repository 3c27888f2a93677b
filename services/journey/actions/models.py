"""The table of the effect ledger."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Column, Index, UniqueConstraint, text
from sqlmodel import Field

from services.journey.base import Base
from shared.db import JsonType, UtcDateTime
from shared.web import partners_index

PENDING_SQL = "status IN ('planned', 'claimed')"


class EffectRow(Base, table=True):
    """The ledger of what was to happen (动作台账): one effect for each visit of a node that asks or sends, for ever.

    Questions (coupon, rule) go asked → sent | failed. Messages go planned → claimed → sent | failed | unknown |
    suppressed; an inbox message is sent in the transaction that plans it.
    """

    __tablename__ = "effect"
    __table_args__ = (
        CheckConstraint("kind IN ('coupon', 'rule', 'message')", name="kind"),
        CheckConstraint(
            "status IN ('asked', 'planned', 'claimed', 'sent', 'failed', 'unknown', 'suppressed')", name="status"
        ),
        UniqueConstraint("idem_key"),
        Index("ix_effect_run", "run_id"),
        Index("ix_effect_customer", "customer_id", "kind", "id"),
        Index(
            "ix_effect_due",
            "due_at",
            sqlite_where=text(PENDING_SQL),
            postgresql_where=text(PENDING_SQL),
        ),
        partners_index("effect"),
    )

    id: str = Field(primary_key=True, max_length=40)
    owner_id: str = Field(max_length=40)
    idem_key: str = Field(max_length=200)
    kind: str = Field(max_length=8)
    journey_id: str = Field(max_length=40)
    run_id: str = Field(max_length=40)
    node_id: str = Field(max_length=64)
    customer_id: str = Field(max_length=255)
    channel: str | None = Field(default=None, max_length=20)
    template_id: str | None = Field(default=None, max_length=64)
    status: str = Field(max_length=12)
    reason: str | None = Field(default=None, max_length=300)
    provider_ref: str | None = Field(default=None, max_length=200)
    payload: dict[str, Any] = Field(sa_column=Column(JsonType, nullable=False))
    attempts: int = 0
    due_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)
