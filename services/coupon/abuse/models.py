"""Tables of the abuse room. Addresses and devices are here as keyed hashes only."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Index, Integer, PrimaryKeyConstraint, String, Text
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


class AbuseVersion(Base, table=True):
    """Grows with every change of a rule or a deny list, so that each process knows when to read them again. One row."""

    __tablename__ = "abuse_version"

    id: int = Field(primary_key=True, sa_type=Integer)
    version: int = Field(sa_type=BigInteger)


class VelocityRule(Base, table=True):
    """At most `most` coupons of one subject by one action in any `window_seconds` 频次规则."""

    __tablename__ = "velocity_rule"
    __table_args__ = (
        CheckConstraint("subject IN ('customer', 'device', 'address')", name="subject"),
        CheckConstraint("effect IN ('refuse', 'review')", name="effect"),
        CheckConstraint("most >= 1 AND window_seconds >= 1", name="positive"),
    )

    id: str = Field(primary_key=True, sa_type=String(40))
    subject: str = Field(sa_type=String(16))
    action: str = Field(sa_type=String(16))
    most: int = Field(sa_type=Integer)
    window_seconds: int = Field(sa_type=Integer)
    effect: str = Field(sa_type=String(16))
    created_by: str = Field(sa_type=String(40))
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)


class VelocityLog(Base, table=True):
    """When one subject last got coupons under one rule: as many instants as the rule allows, in milliseconds, as JSON."""

    __tablename__ = "velocity_log"
    __table_args__ = (PrimaryKeyConstraint("rule_id", "value"), Index(None, "expires_at"))

    rule_id: str = Field(sa_type=String(40))
    value: str = Field(sa_type=String(200))
    moments: str = Field(sa_type=Text)
    expires_at: datetime = Field(sa_type=UtcDateTime)


class Denial(Base, table=True):
    """Somebody who gets nothing 黑名单. `value` is the customer's id, a network, or the keyed hash of a device or address."""

    __tablename__ = "denial"
    __table_args__ = (
        CheckConstraint("subject IN ('customer', 'device', 'address', 'network')", name="subject"),
        Index("uq_denial_subject_value", "subject", "value", unique=True),
    )

    id: str = Field(primary_key=True, sa_type=String(40))
    subject: str = Field(sa_type=String(16))
    value: str = Field(sa_type=String(200))
    reason: str = Field(sa_type=String(200))
    until: datetime | None = Field(None, sa_type=UtcDateTime)
    created_by: str = Field(sa_type=String(40))
    created_at: datetime = Field(sa_type=UtcDateTime)
