"""Tables of scanning."""

from datetime import datetime

from sqlalchemy import Boolean, CheckConstraint, Index, Integer, PrimaryKeyConstraint, String, Text
from sqlmodel import Field

from services.coupon.base import Base
from shared.db import UtcDateTime


class ClaimCode(Base, table=True):
    """One place where a template's coupons are claimed by scanning. `key` signs its tokens and never leaves the service.

    The key is the code's own and not one of the installation, so that printed posters outlive a changed secret.
    """

    __tablename__ = "claim_code"
    __table_args__ = (
        CheckConstraint("status IN ('active', 'paused')", name="status"),
        Index(None, "shop_id", "id"),
    )

    id: str = Field(primary_key=True, sa_type=String(40))
    owner_id: str = Field(sa_type=String(40))
    template_id: str = Field(sa_type=String(40))
    shop_id: str = Field(sa_type=String(200))
    rotating: bool = Field(sa_type=Boolean)
    ttl_seconds: int = Field(sa_type=Integer)
    link: str | None = Field(None, sa_type=Text)
    status: str = Field(sa_type=String(16))
    valid_until: datetime | None = Field(None, sa_type=UtcDateTime)
    key: str = Field(sa_type=String(64))
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)


class ClaimScan(Base, table=True):
    """One coupon by scanning. `slot` is the rotating token's end or the poster's day: each gives a customer one coupon."""

    __tablename__ = "claim_scan"
    __table_args__ = (
        PrimaryKeyConstraint("claim_code_id", "customer_id", "slot"),
        Index(None, "day", "shop_id"),
    )

    claim_code_id: str = Field(sa_type=String(40))
    customer_id: str = Field(sa_type=String(200))
    slot: str = Field(sa_type=String(20))
    shop_id: str = Field(sa_type=String(200))
    day: str = Field(sa_type=String(10))
    coupon_id: str | None = Field(None, sa_type=String(40))
    created_at: datetime = Field(sa_type=UtcDateTime)
