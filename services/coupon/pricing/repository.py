"""The SQL of prices: a customer's coupons, and the promotions that run."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, bindparam, or_, select

from services.coupon.statements import padded
from services.coupon.templates.models import Template, TemplateDay
from services.coupon.wallet.models import Coupon
from shared.db import Transaction, UtcDateTime

MOST_IN_WALLET = 200
_T, _C = Template.c, Coupon.c
_WALLET = select(
    _C.id,
    _C.template_id,
    _C.terms_version,
    _C.status,
    _C.valid_from,
    _C.valid_until,
    _C.locked_until,
    _C.reserved,
    _C.face_amount,
    _T.name,
    _T.currency,
    _T.budget,
    _T.budget_spent,
).join(Template.table, _T.id == _C.template_id)


def _live(chosen: Select[Any]) -> Select[Any]:
    """Those of the customer's wallet that may be of use, soonest to end first."""
    live = _C.status.in_(("issued", "locked")) & (_C.valid_until > bindparam("now", type_=UtcDateTime))
    mine = chosen.where(_C.customer_id == bindparam("customer_id"), live)
    return mine.order_by(_C.valid_until, _C.id).limit(MOST_IN_WALLET)


# Built once: every quote runs them.
_LIVE = _live(_WALLET)
_LIVE_IDS = _live(select(_C.id))
_PROMOTIONS = (
    select(_T.id, _T.terms_version, _T.name, _T.currency, _T.per_day, _T.budget, _T.budget_spent)
    .where(_T.kind == "promotion", _T.status == "active", _T.currency == bindparam("currency"))
    .where(or_(_T.ends_at.is_(None), _T.ends_at > bindparam("now", type_=UtcDateTime)))
    .where(or_(_T.total.is_(None), _T.issued < _T.total))
    .where(or_(_T.budget.is_(None), _T.budget_spent < _T.budget))
    .order_by(_T.id)
)


async def live_ids(tx: Transaction, customer_id: str, now: datetime) -> list[str]:
    return [row.id for row in await tx.execute(_LIVE_IDS, {"customer_id": customer_id, "now": now})]


async def live(tx: Transaction, customer_id: str, now: datetime) -> Sequence[Row[Any]]:
    """The live coupons of the wallet with what their templates say."""
    return (await tx.execute(_LIVE, {"customer_id": customer_id, "now": now})).all()


async def named(tx: Transaction, customer_id: str, coupon_ids: Sequence[str]) -> Sequence[Row[Any]]:
    """Those of the named coupons that are this customer's, in no promised order."""
    if not coupon_ids:
        return []
    chosen = _WALLET.where(_C.id.in_(padded(coupon_ids)), _C.customer_id == customer_id)
    return (await tx.execute(chosen)).all()


async def promotions(tx: Transaction, currency: str, now: datetime) -> Sequence[Row[Any]]:
    """Active promotions that have not ended and of which something is left, in the order of their ids."""
    return (await tx.execute(_PROMOTIONS, {"currency": currency, "now": now})).all()


async def limited(tx: Transaction, currency: str, coupon_ids: Sequence[str], now: datetime) -> list[str]:
    """The running promotions with limits, and the templates of which these coupons may take more than they reserve.

    A coupon that was just issued reserves its worst case already, unless its budget is taken on redemption.
    """
    limit = or_(_T.total.is_not(None), _T.per_day.is_not(None), _T.budget.is_not(None))
    running = (
        select(_T.id)
        .where(_T.kind == "promotion", _T.status == "active", _T.currency == currency, limit)
        .where(or_(_T.ends_at.is_(None), _T.ends_at > now))
    )
    if not coupon_ids:
        return [row.id for row in await tx.execute(running)]
    may_take = or_(_T.budget_on == "redemption", _C.step > 1)
    theirs = (
        select(_T.id)
        .join(Coupon.table, _C.template_id == _T.id)
        .where(_C.id.in_(padded(coupon_ids)), _T.budget.is_not(None), may_take)
    )
    return [row.id for row in await tx.execute(running.union(theirs))]


async def full_days(tx: Transaction, days: Sequence[tuple[Row[Any], str]]) -> set[str]:
    """Of these promotions with a daily limit, and the local day of each: those whose orders of the day are used up."""
    if not days:
        return set()
    limits = {(row.id, day): row.per_day for row, day in days}
    chosen = select(TemplateDay.table).where(
        or_(*((TemplateDay.c.template_id == key) & (TemplateDay.c.day == day) for key, day in limits))
    )
    return {row.template_id for row in await tx.execute(chosen) if row.issued >= limits[row.template_id, row.day]}
