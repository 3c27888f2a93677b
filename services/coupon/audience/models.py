"""Copies of what others know about customers: memberships, and the facts that eligibility is decided on."""

from datetime import datetime

from sqlalchemy import Boolean, CheckConstraint, Index, PrimaryKeyConstraint, String
from sqlmodel import Field

from services.coupon.base import Base
from shared.db import UtcDateTime


class SegmentMember(Base, table=True):
    """Whether a customer belongs to a segment, and since when that holds. The newest change wins, however late it comes."""

    __tablename__ = "segment_member"
    __table_args__ = (PrimaryKeyConstraint("segment_id", "customer_id"), Index(None, "customer_id"))

    segment_id: str = Field(sa_type=String(40))
    customer_id: str = Field(sa_type=String(200))
    member: bool = Field(sa_type=Boolean)
    changed_at: datetime = Field(sa_type=UtcDateTime)


class Customer(Base, table=True):
    """A customer as far as offers ask: since when they are known, and their tier 会员等级 with the time that it was told.

    `known_since` is the earliest word of them, so it only ever moves back; the newest word of the tier wins.
    """

    __tablename__ = "customer"
    __table_args__ = (CheckConstraint("tier IS NULL OR tier_at IS NOT NULL", name="tier"),)

    customer_id: str = Field(primary_key=True, sa_type=String(200))
    known_since: datetime = Field(sa_type=UtcDateTime)
    tier: str | None = Field(None, sa_type=String(200))
    tier_at: datetime | None = Field(None, sa_type=UtcDateTime)


class CompletedOrder(Base, table=True):
    """An order that tracking or an import told of, once for each order id (or message, where it names no order)."""

    __tablename__ = "completed_order"
    __table_args__ = (Index(None, "customer_id"),)

    order_id: str = Field(primary_key=True, sa_type=String(200))
    customer_id: str = Field(sa_type=String(200))
    completed_at: datetime = Field(sa_type=UtcDateTime)
