"""Tables of the wallet: coupons, their ledger, the answers to requests by reference, and issue jobs."""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlmodel import Field

from services.coupon.base import Base
from shared.db import JsonType, UtcDateTime
from shared.web import partners_index

STATUSES = ("issued", "locked", "redeemed", "expired", "voided")
_LIVE = text("status IN ('issued', 'locked')")
_TO_REMIND = text("remind_at IS NOT NULL")
JOB_STATUSES = ("receiving", "listing", "running", "done", "cancelled")
_ONCE = text("source IN ('code', 'share', 'qr', 'draw')")
"""Ways to a coupon whose `reference` names one code, reward, scan or ticket: it never gives two."""


class Coupon(Base, table=True):
    """One customer's copy of an offer 优惠券.

    `seq` counts a customer's coupons of one template from 1: the unique key is the limit per customer. `step` numbers
    the coupon's ledger entries and is the compare-and-set of every change. `reserved` is what it holds of the budget.
    `face_amount` stands in the place of the terms' amount, where each coupon has a worth of its own (cash-back).
    `lock_token` is the fencing token: it grows with every lock, so that an old checkout cannot touch a newer lock.
    `remind_at` is when its owner is to be told that it ends soon; empty once that was done. `origin_address` and
    `origin_device` are keyed hashes of where the customer got it from.
    """

    __tablename__ = "coupon"
    __table_args__ = (
        # customer_id first: the same index serves the wallet. None on template_id alone: it would cost every claim, and
        # a planner without statistics would read a whole hot template through it.
        UniqueConstraint("customer_id", "template_id", "seq"),
        CheckConstraint(f"status IN {STATUSES}", name="status"),
        CheckConstraint("reserved >= 0 AND seq >= 1", name="not_negative"),
        CheckConstraint("face_amount IS NULL OR face_amount > 0", name="face_amount"),
        CheckConstraint("(status = 'locked') = (checkout_id IS NOT NULL)", name="lock"),
        Index("uq_coupon_once_reference", "reference", unique=True, sqlite_where=_ONCE, postgresql_where=_ONCE),
        Index("ix_coupon_live_valid_until", "valid_until", sqlite_where=_LIVE, postgresql_where=_LIVE),
        Index("ix_coupon_remind_at", "remind_at", sqlite_where=_TO_REMIND, postgresql_where=_TO_REMIND),
        partners_index("coupon"),
    )

    id: str = Field(primary_key=True, sa_type=String(40))
    owner_id: str = Field(sa_type=String(40))
    template_id: str = Field(sa_type=String(40))
    terms_version: int = Field(sa_type=Integer)
    customer_id: str = Field(sa_type=String(200))
    seq: int = Field(sa_type=BigInteger)
    code: str = Field(unique=True, sa_type=String(20))
    status: str = Field(sa_type=String(16))
    step: int = Field(1, sa_type=Integer)
    source: str = Field(sa_type=String(16))
    reference: str | None = Field(None, sa_type=String(255))
    valid_from: datetime = Field(sa_type=UtcDateTime)
    valid_until: datetime = Field(sa_type=UtcDateTime)
    issued_day: str | None = Field(None, sa_type=String(10))
    reserved: int = Field(0, sa_type=BigInteger)
    face_amount: int | None = Field(None, sa_type=BigInteger)
    lock_token: int = Field(0, sa_type=BigInteger)
    checkout_id: str | None = Field(None, sa_type=String(40))
    locked_until: datetime | None = Field(None, sa_type=UtcDateTime)
    remind_at: datetime | None = Field(None, sa_type=UtcDateTime)
    origin_address: str | None = Field(None, sa_type=String(32))
    origin_device: str | None = Field(None, sa_type=String(32))
    issued_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)


class CouponEntry(Base, table=True):
    """One change of one coupon, and why 券流水. Append-only; `step` runs from 1 without gaps.

    `budget_change` is what the change took from (or, negative, gave back to) the template's budget; `amount` the discount.
    `checkout_id` is what used or held the coupon: a checkout, or for a use at a till the redemption.
    """

    __tablename__ = "coupon_entry"
    __table_args__ = (
        PrimaryKeyConstraint("coupon_id", "step"),
        CheckConstraint(f"to_status IN {STATUSES}", name="status"),
    )

    coupon_id: str = Field(sa_type=String(40))
    step: int = Field(sa_type=Integer)
    template_id: str = Field(sa_type=String(40))
    event: str = Field(sa_type=String(16))
    from_status: str | None = Field(None, sa_type=String(16))
    to_status: str = Field(sa_type=String(16))
    budget_change: int = Field(0, sa_type=BigInteger)
    amount: int | None = Field(None, sa_type=BigInteger)
    checkout_id: str | None = Field(None, sa_type=String(40))
    reason: str = Field(sa_type=Text)
    actor: str = Field(sa_type=String(255))
    occurred_at: datetime = Field(sa_type=UtcDateTime)


class IssueRequest(Base, table=True):
    """The answer to a request that named itself: the same reference never gets a second coupon."""

    __tablename__ = "issue_request"

    reference: str = Field(primary_key=True, sa_type=String(255))
    template_id: str = Field(sa_type=String(40))
    customer_id: str = Field(sa_type=String(200))
    coupon_id: str | None = Field(None, sa_type=String(40))
    code: str | None = Field(None, sa_type=String(64))
    created_at: datetime = Field(sa_type=UtcDateTime)


class IssueJob(Base, table=True):
    """Direct issue to many 批量发券. Its counters move in the transaction that issues, so a killed job goes on exactly.

    receiving (a list is coming in) or listing (a segment's members are copied, `listed` being the last) → running → done;
    cancelled from each of them. `total` counts the customers named so far; `note` says why a job was cancelled.
    """

    __tablename__ = "coupon_job"
    __table_args__ = (
        CheckConstraint(f"status IN {JOB_STATUSES}", name="status"),
        CheckConstraint("issued + refused <= total", name="counted"),
        Index(None, "status", "updated_at"),
    )

    id: str = Field(primary_key=True, sa_type=String(40))
    owner_id: str = Field(sa_type=String(40))
    template_id: str = Field(sa_type=String(40))
    status: str = Field(sa_type=String(16))
    reason: str = Field(sa_type=Text)
    actor: str = Field(sa_type=String(255))
    segment_id: str | None = Field(None, sa_type=String(40))
    listed: str | None = Field(None, sa_type=String(200))
    total: int = Field(0, sa_type=BigInteger)
    issued: int = Field(0, sa_type=BigInteger)
    refused: int = Field(0, sa_type=BigInteger)
    refused_by: dict[str, int] = Field(default_factory=dict, sa_type=JsonType)
    note: str | None = Field(None, sa_type=Text)
    created_at: datetime = Field(sa_type=UtcDateTime)
    started_at: datetime | None = Field(None, sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)


class IssueTarget(Base, table=True):
    """One customer of a job and the outcome: a coupon, or the code of the refusal; neither while it waits."""

    __tablename__ = "issue_target"
    __table_args__ = (PrimaryKeyConstraint("job_id", "position"),)

    job_id: str = Field(sa_type=String(40))
    position: int = Field(sa_type=BigInteger)
    customer_id: str = Field(sa_type=String(200))
    coupon_id: str | None = Field(None, sa_type=String(40))
    code: str | None = Field(None, sa_type=String(64))
