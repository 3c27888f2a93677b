"""Tables of the packs."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, Integer, String, UniqueConstraint
from sqlmodel import Field

from services.coupon.base import Base
from shared.db import JsonType, UtcDateTime

STATUSES = ("active", "paused")
TRIGGERS = ("profile_created",)


class CouponPack(Base, table=True):
    """An offer of several coupons at once. `items` names templates and how many of each; `issued` counts its claims.

    `auto_on` is the event on which a customer gets it unasked.
    """

    __tablename__ = "coupon_pack"
    __table_args__ = (
        CheckConstraint(f"status IN {STATUSES}", name="status"),
        CheckConstraint("issued >= 0 AND (total IS NULL OR issued <= total)", name="within_total"),
        Index(None, "auto_on", "status"),
    )

    id: str = Field(primary_key=True, sa_type=String(40))
    owner_id: str = Field(sa_type=String(40))
    name: str = Field(sa_type=String(200))
    status: str = Field(sa_type=String(16))
    items: list[dict[str, Any]] = Field(sa_type=JsonType)
    total: int | None = Field(None, sa_type=BigInteger)
    per_customer: int = Field(1, sa_type=BigInteger)
    auto_on: str | None = Field(None, sa_type=String(32))
    issued: int = Field(0, sa_type=BigInteger)
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)


class PackClaim(Base, table=True):
    """One customer's pack: the coupons that came with it. `number` counts their packs of one kind from 1."""

    __tablename__ = "pack_claim"
    __table_args__ = (
        UniqueConstraint("pack_id", "customer_id", "number"),
        CheckConstraint("number >= 1", name="number"),
        Index(None, "pack_id", "id"),
    )

    id: str = Field(primary_key=True, sa_type=String(40))
    owner_id: str = Field(sa_type=String(40))
    pack_id: str = Field(sa_type=String(40))
    customer_id: str = Field(sa_type=String(200))
    number: int = Field(sa_type=BigInteger)
    coupon_ids: list[str] = Field(sa_type=JsonType)
    coupon_count: int = Field(sa_type=Integer)
    actor: str = Field(sa_type=String(255))
    created_at: datetime = Field(sa_type=UtcDateTime)
