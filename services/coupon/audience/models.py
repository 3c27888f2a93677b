"""The table of memberships, as the segments service told them."""

from datetime import datetime

from sqlalchemy import Boolean, Index, PrimaryKeyConstraint, String
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
