"""Tables of sharing."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Index, Integer, PrimaryKeyConstraint, String, UniqueConstraint
from sqlmodel import Field

from services.coupon.base import Base
from shared.db import UtcDateTime


class ShareOffer(Base, table=True):
    """What a sharer gets for how many friends, and what each friend gets."""

    __tablename__ = "share_offer"
    __table_args__ = (
        CheckConstraint("status IN ('active', 'paused')", name="status"),
        CheckConstraint("friends >= 1 AND per_customer >= 1 AND window_hours >= 1", name="positive"),
    )

    id: str = Field(primary_key=True, sa_type=String(40))
    owner_id: str = Field(sa_type=String(40))
    name: str = Field(sa_type=String(200))
    status: str = Field(sa_type=String(16))
    reward_template_id: str = Field(sa_type=String(40))
    friend_template_id: str | None = Field(None, sa_type=String(40))
    friends: int = Field(sa_type=Integer)
    window_hours: int = Field(sa_type=Integer)
    per_customer: int = Field(sa_type=Integer)
    new_customer_days: int | None = Field(None, sa_type=Integer)
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)


class Share(Base, table=True):
    """One customer's link. `token` is what the link carries; `seq` counts their shares of the offer: the key is the limit.

    `helps` moves with the rows of `share_help`. At the last one the reward is decided once: its coupon or its refusal.
    """

    __tablename__ = "share"
    __table_args__ = (
        UniqueConstraint("offer_id", "customer_id", "seq"),
        CheckConstraint("helps >= 0 AND helps <= friends", name="helps"),
        CheckConstraint(
            "(helps = friends) = (reward_coupon_id IS NOT NULL OR reward_refused IS NOT NULL)", name="reward"
        ),
        Index(None, "customer_id", "id"),
    )

    id: str = Field(primary_key=True, sa_type=String(40))
    owner_id: str = Field(sa_type=String(40))
    offer_id: str = Field(sa_type=String(40))
    customer_id: str = Field(sa_type=String(200))
    seq: int = Field(sa_type=BigInteger)
    token: str = Field(unique=True, sa_type=String(40))
    friends: int = Field(sa_type=Integer)
    helps: int = Field(0, sa_type=Integer)
    reward_coupon_id: str | None = Field(None, sa_type=String(40))
    reward_refused: str | None = Field(None, sa_type=String(64))
    expires_at: datetime = Field(sa_type=UtcDateTime)
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)


class ShareHelp(Base, table=True):
    """One friend who opened the link: once for each share, and once for each sharer of an offer."""

    __tablename__ = "share_help"
    __table_args__ = (
        PrimaryKeyConstraint("share_id", "position"),
        UniqueConstraint("offer_id", "sharer_id", "customer_id"),
    )

    share_id: str = Field(sa_type=String(40))
    position: int = Field(sa_type=Integer)
    offer_id: str = Field(sa_type=String(40))
    sharer_id: str = Field(sa_type=String(200))
    customer_id: str = Field(sa_type=String(200))
    coupon_id: str | None = Field(None, sa_type=String(40))
    refused: str | None = Field(None, sa_type=String(64))
    created_at: datetime = Field(sa_type=UtcDateTime)
