"""Tables of store redemption: signing keys, tokens on show, redemptions, and what offline tills got wrong."""

from datetime import datetime

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Index, LargeBinary, String, Text, UniqueConstraint, text
from sqlmodel import Field

from services.coupon.base import Base
from shared.db import UtcDateTime
from shared.web import partners_index

_ACTIVE = text("retired_at IS NULL")
_LIVE = text("status = 'redeemed'")


class RedemptionKey(Base, table=True):
    """A key pair that signs tokens 签名密钥. One is active at a time; retired ones still prove what they signed.

    `sealed` is the private key, encrypted under the installation's secret; it is dropped when the key retires.
    """

    __tablename__ = "redemption_key"
    __table_args__ = (
        CheckConstraint("(retired_at IS NULL) = (sealed IS NOT NULL)", name="retired"),
        Index("uq_redemption_key_active", "active", unique=True, sqlite_where=_ACTIVE, postgresql_where=_ACTIVE),
    )

    id: str = Field(primary_key=True, sa_type=String(40))
    active: bool = Field(True, sa_type=Boolean)
    sealed: bytes | None = Field(None, sa_type=LargeBinary)
    public: str = Field(sa_type=String(64))
    created_at: datetime = Field(sa_type=UtcDateTime)
    retired_at: datetime | None = Field(None, sa_type=UtcDateTime)


class RedemptionToken(Base, table=True):
    """A token on show 核销码. It works until `expires_at` and is forgotten an hour later; the short code is its to that time."""

    __tablename__ = "redemption_token"
    __table_args__ = (Index(None, "coupon_id"), Index(None, "expires_at"))

    id: str = Field(primary_key=True, sa_type=String(40))
    owner_id: str = Field(sa_type=String(40))
    coupon_id: str = Field(sa_type=String(40))
    customer_id: str = Field(sa_type=String(200))
    short_code: str = Field(unique=True, sa_type=String(16))
    token: str = Field(sa_type=Text)
    issued_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)


class Redemption(Base, table=True):
    """One coupon used at a till 核销记录. The partial unique key lets a coupon have one that stands.

    `offline`: a till settled it later. `redeemed_at` is the till's time, `created_at` ours.
    """

    __tablename__ = "redemption"
    __table_args__ = (
        CheckConstraint("status IN ('redeemed', 'reversed')", name="status"),
        CheckConstraint("amount >= 0", name="amount"),
        CheckConstraint("(status = 'reversed') = (reversed_at IS NOT NULL)", name="reversed"),
        Index("uq_redemption_live", "coupon_id", unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE),
        Index("ix_redemption_receipt", "shop_id", "order_ref", "coupon_id"),
        Index("ix_redemption_shop_id", "shop_id", "id"),
        Index("ix_redemption_customer_id", "customer_id", "id"),
        partners_index("redemption"),
    )

    id: str = Field(primary_key=True, sa_type=String(40))
    owner_id: str = Field(sa_type=String(40))
    coupon_id: str = Field(sa_type=String(40))
    template_id: str = Field(sa_type=String(40))
    customer_id: str = Field(sa_type=String(200))
    shop_id: str = Field(sa_type=String(200))
    staff_key_id: str = Field(sa_type=String(40))
    order_ref: str = Field(sa_type=String(200))
    amount: int = Field(sa_type=BigInteger)
    currency: str = Field(sa_type=String(3))
    status: str = Field(sa_type=String(16))
    offline: bool = Field(False, sa_type=Boolean)
    redeemed_at: datetime = Field(sa_type=UtcDateTime)
    created_at: datetime = Field(sa_type=UtcDateTime)
    reversed_at: datetime | None = Field(None, sa_type=UtcDateTime)
    reversed_by: str | None = Field(None, sa_type=String(40))
    reverse_reason: str | None = Field(None, sa_type=Text)


class RedemptionConflict(Base, table=True):
    """An offline till gave a discount for a coupon that was no longer to be had 核销冲突. `held_by`: who has it."""

    __tablename__ = "redemption_conflict"
    __table_args__ = (
        UniqueConstraint("owner_id", "shop_id", "order_ref", "coupon_id"),
        CheckConstraint("amount >= 0", name="amount"),
        Index("ix_redemption_conflict_shop_id", "shop_id", "id"),
    )

    id: str = Field(primary_key=True, sa_type=String(40))
    owner_id: str = Field(sa_type=String(40))
    coupon_id: str = Field(sa_type=String(40))
    customer_id: str = Field(sa_type=String(200))
    shop_id: str = Field(sa_type=String(200))
    staff_key_id: str = Field(sa_type=String(40))
    order_ref: str = Field(sa_type=String(200))
    amount: int = Field(sa_type=BigInteger)
    code: str = Field(sa_type=String(64))
    held_by: str | None = Field(None, sa_type=String(40))
    redeemed_at: datetime = Field(sa_type=UtcDateTime)
    created_at: datetime = Field(sa_type=UtcDateTime)
