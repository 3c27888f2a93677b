"""The table of what orders were promised."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Index, Integer, String
from sqlmodel import Field

from services.coupon.base import Base
from shared.db import UtcDateTime

STATUSES = ("promised", "due", "issued", "cancelled")


class CashBackPromise(Base, table=True):
    """What one offer promises for one order 返现. An order and an offer have one, so it can be given once.

    `promised` is what the quote said, `amount` what refunds left of it. `owed` is what they could not take back, for the coupon
    was used or held then: it is taken once the coupon is free again. `source` is the coupon or promotion that promises,
    `template_id` the offer. `coupon_id` is the coupon that it was given as; while it is due, `note` says what kept it back.
    """

    __tablename__ = "cash_back"
    __table_args__ = (
        CheckConstraint(f"status IN {STATUSES}", name="status"),
        CheckConstraint("amount >= 0 AND amount <= promised", name="amount"),
        CheckConstraint("owed >= 0 AND owed <= amount", name="owed"),
        CheckConstraint("status <> 'issued' OR coupon_id IS NOT NULL", name="coupon"),
        Index("uq_cash_back_checkout_id_source", "checkout_id", "source", unique=True),
        Index(None, "customer_id", "id"),
        Index(None, "order_id"),
    )

    id: str = Field(primary_key=True, sa_type=String(40))
    owner_id: str = Field(sa_type=String(40))
    checkout_id: str = Field(sa_type=String(40))
    order_id: str = Field(sa_type=String(200))
    customer_id: str = Field(sa_type=String(200))
    source: str = Field(sa_type=String(40))
    template_id: str = Field(sa_type=String(40))
    currency: str = Field(sa_type=String(3))
    promised: int = Field(sa_type=BigInteger)
    amount: int = Field(sa_type=BigInteger)
    owed: int = Field(0, sa_type=BigInteger)
    valid_days: int = Field(sa_type=Integer)
    status: str = Field(sa_type=String(16))
    coupon_id: str | None = Field(None, sa_type=String(40))
    note: str | None = Field(None, sa_type=String(64))
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)
