"""Tables of the codes."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Index, Integer, PrimaryKeyConstraint, String, UniqueConstraint, text
from sqlmodel import Field

from services.coupon.base import Base
from shared.db import UtcDateTime

_USED = text("coupon_id IS NOT NULL")


class CodeBatch(Base, table=True):
    """Unique codes of one template, made by a job. `made` moves in the transaction that inserts, so a killed job goes on."""

    __tablename__ = "code_batch"
    __table_args__ = (
        CheckConstraint("status IN ('running', 'done', 'voided')", name="status"),
        CheckConstraint("made >= 0 AND made <= total AND (status <> 'done' OR made = total)", name="made"),
        Index(None, "status", "id"),
        Index(None, "template_id", "id"),
    )

    id: str = Field(primary_key=True, sa_type=String(40))
    owner_id: str = Field(sa_type=String(40))
    template_id: str = Field(sa_type=String(40))
    status: str = Field(sa_type=String(16))
    prefix: str = Field(sa_type=String(8))
    total: int = Field(sa_type=BigInteger)
    made: int = Field(0, sa_type=BigInteger)
    valid_until: datetime | None = Field(None, sa_type=UtcDateTime)
    actor: str = Field(sa_type=String(255))
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)


class Code(Base, table=True):
    """One unique code 兑换码, without prefix separators. Numbered from 1 without gaps within its batch.

    `coupon_id` is what it turned into: set once, by a conditional update.
    """

    __tablename__ = "code"
    __table_args__ = (
        PrimaryKeyConstraint("batch_id", "number"),
        CheckConstraint(
            "(coupon_id IS NULL) = (customer_id IS NULL) AND (coupon_id IS NULL) = (redeemed_at IS NULL)", name="used"
        ),
        Index("ix_code_used", "batch_id", sqlite_where=_USED, postgresql_where=_USED),
    )

    batch_id: str = Field(sa_type=String(40))
    number: int = Field(sa_type=BigInteger)
    code: str = Field(unique=True, sa_type=String(24))
    customer_id: str | None = Field(None, sa_type=String(200))
    coupon_id: str | None = Field(None, sa_type=String(40))
    redeemed_at: datetime | None = Field(None, sa_type=UtcDateTime)


class PublicCode(Base, table=True):
    """A code that everybody may know 公共码. `key` is the normalised form by which it is found."""

    __tablename__ = "public_code"
    __table_args__ = (
        CheckConstraint("status IN ('active', 'paused')", name="status"),
        CheckConstraint("used >= 0 AND (total IS NULL OR used <= total)", name="within_total"),
        CheckConstraint("per_customer >= 1", name="per_customer"),
        Index(None, "template_id", "id"),
    )

    id: str = Field(primary_key=True, sa_type=String(40))
    owner_id: str = Field(sa_type=String(40))
    code: str = Field(sa_type=String(100))
    key: str = Field(unique=True, sa_type=String(100))
    template_id: str = Field(sa_type=String(40))
    status: str = Field(sa_type=String(16))
    total: int | None = Field(None, sa_type=BigInteger)
    per_customer: int = Field(1, sa_type=Integer)
    used: int = Field(0, sa_type=BigInteger)
    valid_from: datetime | None = Field(None, sa_type=UtcDateTime)
    valid_until: datetime | None = Field(None, sa_type=UtcDateTime)
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)


class PublicCodeUse(Base, table=True):
    """One coupon that a customer got by a public code. `number` counts theirs of this code from 1: the key is the limit."""

    __tablename__ = "public_code_use"
    __table_args__ = (PrimaryKeyConstraint("public_code_id", "customer_id", "number"), UniqueConstraint("coupon_id"))

    public_code_id: str = Field(sa_type=String(40))
    customer_id: str = Field(sa_type=String(200))
    number: int = Field(sa_type=BigInteger)
    coupon_id: str = Field(sa_type=String(40))
    redeemed_at: datetime = Field(sa_type=UtcDateTime)
