"""Tables of the offers. The counters stand in the template's own row, and CHECK constraints hold the limits."""

from datetime import datetime

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Index, Integer, PrimaryKeyConstraint, String
from sqlmodel import Field

from services.coupon.base import Base
from shared.db import JsonType, UtcDateTime

KINDS = ("coupon", "promotion")
STATUSES = ("draft", "active", "paused", "ended")
BUDGET_ON = ("issue", "redemption")


class Template(Base, table=True):
    """An offer: a coupon template 券模板 or an automatic promotion 自动促销.

    `version` grows with every change, `terms_version` names the present terms. `issued` and `budget_spent` count its
    coupons (of a promotion: the orders that use it), moved in the transactions that change them; what is leased to a
    process counts as given out until it comes back. `granted_by` is the process that moved `issued` last: when it was
    another one, the template is hot in several processes. `ends_at` repeats the end of the terms' window.
    `cash_back_of` names the offer whose cash-back is given as coupons of this one: nobody else gets any.
    """

    __tablename__ = "template"
    __table_args__ = (
        CheckConstraint(f"kind IN {KINDS}", name="kind"),
        CheckConstraint(f"status IN {STATUSES}", name="status"),
        CheckConstraint(f"budget_on IN {BUDGET_ON}", name="budget_on"),
        CheckConstraint("issued >= 0 AND (total IS NULL OR issued <= total)", name="within_total"),
        CheckConstraint("budget_spent >= 0 AND (budget IS NULL OR budget_spent <= budget)", name="within_budget"),
        Index(None, "kind", "status", "id"),
        Index("uq_template_cash_back_of", "cash_back_of", unique=True),
    )

    id: str = Field(primary_key=True, sa_type=String(40))
    owner_id: str = Field(sa_type=String(40))
    kind: str = Field("coupon", sa_type=String(16))
    name: str = Field(sa_type=String(200))
    status: str = Field(sa_type=String(16))
    currency: str = Field(sa_type=String(3))
    version: int = Field(1, sa_type=Integer)
    terms_version: int = Field(1, sa_type=Integer)
    total: int | None = Field(None, sa_type=BigInteger)
    per_customer: int | None = Field(None, sa_type=BigInteger)
    per_day: int | None = Field(None, sa_type=BigInteger)
    budget: int | None = Field(None, sa_type=BigInteger)
    budget_on: str = Field("issue", sa_type=String(16))
    visible_in_centre: bool = Field(True, sa_type=Boolean)
    ends_at: datetime | None = Field(None, sa_type=UtcDateTime)
    cash_back_of: str | None = Field(None, sa_type=String(40))
    issued: int = Field(0, sa_type=BigInteger)
    budget_spent: int = Field(0, sa_type=BigInteger)
    granted_by: str | None = Field(None, sa_type=String(40))
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)


class TemplateTerms(Base, table=True):
    """One version of an offer's terms, never changed: what the coupons issued under it are worth."""

    __tablename__ = "template_terms"
    __table_args__ = (PrimaryKeyConstraint("template_id", "version"),)

    template_id: str = Field(sa_type=String(40))
    version: int = Field(sa_type=Integer)
    terms: dict[str, object] = Field(sa_type=JsonType)
    created_at: datetime = Field(sa_type=UtcDateTime)


class TemplateDay(Base, table=True):
    """How many coupons of an offer with a daily limit were issued on one local day 每日限量."""

    __tablename__ = "template_day"
    __table_args__ = (
        PrimaryKeyConstraint("template_id", "day"),
        CheckConstraint("issued >= 0", name="not_negative"),
    )

    template_id: str = Field(sa_type=String(40))
    day: str = Field(sa_type=String(10))
    issued: int = Field(sa_type=BigInteger)


class QuotaLease(Base, table=True):
    """Coupons of an offer that one process may give out without asking: a sub-quota 子配额.

    Each of the `unused` is counted in the template's `issued`, holds `cost` of its budget, and is one of `day` where the
    offer has a daily limit. After `expires_at` anybody gives them back; whoever holds the template's row may at any time.
    """

    __tablename__ = "quota_lease"
    __table_args__ = (
        PrimaryKeyConstraint("template_id", "holder"),
        CheckConstraint("unused >= 0 AND cost >= 0", name="not_negative"),
        Index(None, "expires_at"),
    )

    template_id: str = Field(sa_type=String(40))
    holder: str = Field(sa_type=String(40))
    unused: int = Field(sa_type=BigInteger)
    cost: int = Field(sa_type=BigInteger)
    day: str | None = Field(None, sa_type=String(10))
    expires_at: datetime = Field(sa_type=UtcDateTime)
