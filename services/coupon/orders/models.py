"""The table of the order system's messages."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, String, Text
from sqlmodel import Field

from services.coupon.base import Base
from shared.db import UtcDateTime

OUTCOMES = ("done", "nothing", "refused", "unmatched")


class OrderMessage(Base, table=True):
    """One message about an order, and what became of it.

    `done` changed something, `nothing` had nothing to change, `refused` was against the rules: `code` and `detail` are those
    of the HTTP answer that the same call would have got. A refused message is settled; it is not tried again. `unmatched`
    found no checkout of that order: most shops' orders have no coupons, so this is for whoever looks for one, for a month.
    """

    __tablename__ = "order_message"
    __table_args__ = (
        CheckConstraint(f"outcome IN {OUTCOMES}", name="outcome"),
        CheckConstraint("(checkout_id IS NULL) = (outcome = 'unmatched')", name="unmatched"),
        Index(None, "order_id", "id"),
        Index(None, "outcome", "id"),
        Index(None, "outcome", "received_at"),
    )

    id: str = Field(primary_key=True, sa_type=String(40))
    message_id: str = Field(sa_type=String(255))
    name: str = Field(sa_type=String(40))
    order_id: str = Field(sa_type=String(200))
    checkout_id: str | None = Field(None, sa_type=String(40))
    outcome: str = Field(sa_type=String(16))
    code: str | None = Field(None, sa_type=String(64))
    detail: str | None = Field(None, sa_type=Text)
    received_at: datetime = Field(sa_type=UtcDateTime)
