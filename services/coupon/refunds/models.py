"""Tables of the refunds: what came back, and what it gave back to whom."""

from datetime import datetime

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Index, Integer, PrimaryKeyConstraint, String
from sqlmodel import Field

from services.coupon.base import Base
from shared.db import JsonType, UtcDateTime

POLICIES = ("keep", "clawback")


class Refund(Base, table=True):
    """One return of goods of a checkout 退款. Never changed: `number` counts a checkout's refunds from 1.

    `amount` is the money for the customer (shipping included), `points` what comes back as points. `whole` says that
    no goods were left after it. `outcome` keeps what else it did: coupons that were returned, cash-back that was cut.
    """

    __tablename__ = "refund"
    __table_args__ = (
        CheckConstraint(f"policy IN {POLICIES}", name="policy"),
        CheckConstraint("amount >= 0 AND points >= 0", name="amount"),
        Index("uq_refund_checkout_id_number", "checkout_id", "number", unique=True),
        Index("uq_refund_checkout_id_refund_id", "checkout_id", "refund_id", unique=True),
    )

    id: str = Field(primary_key=True, sa_type=String(40))
    owner_id: str = Field(sa_type=String(40))
    checkout_id: str = Field(sa_type=String(40))
    order_id: str = Field(sa_type=String(200))
    customer_id: str = Field(sa_type=String(200))
    number: int = Field(sa_type=Integer)
    refund_id: str = Field(sa_type=String(200))
    fingerprint: str = Field(sa_type=String(64))
    policy: str = Field(sa_type=String(16))
    currency: str = Field(sa_type=String(3))
    amount: int = Field(sa_type=BigInteger)
    points: int = Field(sa_type=BigInteger)
    whole: bool = Field(sa_type=Boolean)
    outcome: dict[str, object] = Field(sa_type=JsonType)
    actor: str = Field(sa_type=String(255))
    created_at: datetime = Field(sa_type=UtcDateTime)


class RefundLine(Base, table=True):
    """Units of one line that came back, and what the customer gets for them."""

    __tablename__ = "refund_line"
    __table_args__ = (
        PrimaryKeyConstraint("refund_id", "line_id"),
        CheckConstraint("quantity >= 1 AND amount >= 0 AND points >= 0", name="not_negative"),
        Index(None, "checkout_id"),
    )

    refund_id: str = Field(sa_type=String(40))
    checkout_id: str = Field(sa_type=String(40))
    line_id: str = Field(sa_type=String(200))
    position: int = Field(sa_type=Integer)
    quantity: int = Field(sa_type=BigInteger)
    amount: int = Field(sa_type=BigInteger)
    points: int = Field(sa_type=BigInteger)


class RefundShare(Base, table=True):
    """What one source's payer gets back for one line: the rest of its price, that the customer does not get."""

    __tablename__ = "refund_share"
    __table_args__ = (
        PrimaryKeyConstraint("refund_id", "line_id", "source"),
        CheckConstraint("amount > 0", name="amount"),
        Index(None, "checkout_id"),
    )

    refund_id: str = Field(sa_type=String(40))
    checkout_id: str = Field(sa_type=String(40))
    line_id: str = Field(sa_type=String(200))
    source: str = Field(sa_type=String(40))
    funder: str = Field(sa_type=String(16))
    amount: int = Field(sa_type=BigInteger)
