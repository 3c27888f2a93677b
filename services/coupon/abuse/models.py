"""Tables of the abuse room. Addresses and devices are here as keyed hashes only."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, Integer, PrimaryKeyConstraint, String
from sqlmodel import Field

from services.coupon.base import Base
from shared.db import UtcDateTime


class AbuseFailure(Base, table=True):
    """How many guesses of one subject failed, until when they count. `value` is a keyed hash, or a template's id.

    `until` is the end of the window that the first failure began; the failure that uses up the budget begins it anew.
    """

    __tablename__ = "abuse_failure"
    __table_args__ = (
        PrimaryKeyConstraint("subject", "value"),
        CheckConstraint("failures >= 1", name="counted"),
        Index(None, "until"),
    )

    subject: str = Field(sa_type=String(16))
    value: str = Field(sa_type=String(64))
    failures: int = Field(sa_type=Integer)
    until: datetime = Field(sa_type=UtcDateTime)
