"""Tables of the review room. Addresses and devices are here as keyed hashes only."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Index, Integer, PrimaryKeyConstraint, String, Text, text
from sqlmodel import Field

from services.coupon.base import Base
from shared.db import JsonType, UtcDateTime

_OPEN = text("status = 'open'")


class AbuseCursor(Base, table=True):
    """Up to which coupon the claims were scored."""

    __tablename__ = "abuse_cursor"

    name: str = Field(primary_key=True, sa_type=String(40))
    position: str = Field(sa_type=String(40))


class AbuseSighting(Base, table=True):
    """One customer seen on one device or address, and how many coupons they got there."""

    __tablename__ = "abuse_sighting"
    __table_args__ = (PrimaryKeyConstraint("subject", "value", "customer_id"), Index(None, "last_at"))

    subject: str = Field(sa_type=String(16))
    value: str = Field(sa_type=String(64))
    customer_id: str = Field(sa_type=String(200))
    coupons: int = Field(sa_type=BigInteger)
    last_at: datetime = Field(sa_type=UtcDateTime)


class AbuseShare(Base, table=True):
    """How many coupons of one template one device took."""

    __tablename__ = "abuse_share"
    __table_args__ = (PrimaryKeyConstraint("template_id", "device"), Index(None, "last_at"))

    template_id: str = Field(sa_type=String(40))
    device: str = Field(sa_type=String(64))
    coupons: int = Field(sa_type=BigInteger)
    last_at: datetime = Field(sa_type=UtcDateTime)


class AbuseCase(Base, table=True):
    """Coupons that look wrong, for a person to decide on 风险案例. A subject has one open case at most; it grows."""

    __tablename__ = "abuse_case"
    __table_args__ = (
        CheckConstraint("status IN ('open', 'cleared', 'voided', 'denied')", name="status"),
        CheckConstraint("score >= 0 AND score <= 100", name="score"),
        CheckConstraint("(status = 'open') = (decided_at IS NULL)", name="decided"),
        Index("uq_abuse_case_open", "subject", "value", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
        Index("ix_abuse_case_status", "status", "id"),
        Index("ix_abuse_case_subject", "subject", "value", "id"),
    )

    id: str = Field(primary_key=True, sa_type=String(40))
    subject: str = Field(sa_type=String(16))
    value: str = Field(sa_type=String(200))
    status: str = Field(sa_type=String(16))
    score: int = Field(sa_type=Integer)
    reasons: list[dict[str, object]] = Field(sa_type=JsonType)
    coupons: int = Field(sa_type=Integer)
    opened_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)
    decided_at: datetime | None = Field(None, sa_type=UtcDateTime)
    decided_by: str | None = Field(None, sa_type=String(40))
    note: str | None = Field(None, sa_type=Text)


class AbuseCaseCoupon(Base, table=True):
    """One coupon of a case; `outcome` is what the decision did to it."""

    __tablename__ = "abuse_case_coupon"
    __table_args__ = (PrimaryKeyConstraint("case_id", "coupon_id"), Index(None, "customer_id"))

    case_id: str = Field(sa_type=String(40))
    coupon_id: str = Field(sa_type=String(40))
    template_id: str = Field(sa_type=String(40))
    customer_id: str = Field(sa_type=String(200))
    outcome: str | None = Field(None, sa_type=String(16))
