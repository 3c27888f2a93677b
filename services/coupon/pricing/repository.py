"""The SQL of prices: a customer's coupons, and the promotions that run."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Select, and_, bindparam, func, or_, select

from services.coupon.templates.models import Template
from services.coupon.wallet.models import Coupon
from shared.db import Prepared, Transaction, UtcDateTime, one_of

MOST_IN_WALLET = 200


class PricedCoupon(NamedTuple):
    """A coupon with what its template says."""

    customer_id: str
    id: str
    template_id: str
    terms_version: int
    status: str
    valid_from: datetime
    valid_until: datetime
    locked_until: datetime | None
    reserved: int
    face_amount: int | None
    name: str
    currency: str
    budget: int | None
    budget_spent: int


class RunningPromotion(NamedTuple):
    """A promotion of which something is left."""

    id: str
    terms_version: int
    name: str
    currency: str
    per_day: int | None
    budget: int | None
    budget_spent: int


_IS_LIVE = and_(
    or_(Coupon.c.status == "issued", Coupon.c.status == "locked"),
    Coupon.c.valid_until > bindparam("now", type_=UtcDateTime),
)
_SOONEST_TO_END = (Coupon.c.valid_until, Coupon.c.id)


def _of_wallets(chosen: Select[Any]) -> Select[Any]:
    """Those that may be of use of each of the customers' wallets, soonest to end first."""
    place = func.row_number().over(partition_by=Coupon.c.customer_id, order_by=_SOONEST_TO_END).label("place")
    rows = chosen.add_columns(place).where(one_of(Coupon.c.customer_id, "customers"), _IS_LIVE).subquery("live").c
    return (
        select(*(rows[one.name] for one in chosen.selected_columns))
        .where(rows.place <= MOST_IN_WALLET)
        .order_by(rows.place)
    )


_NOT_ENDED = or_(Template.c.ends_at.is_(None), Template.c.ends_at > bindparam("now", type_=UtcDateTime))
# Built once: every quote and every order runs them.
_COUPONS = select(*(Coupon.c[name] if name in Coupon.c else Template.c[name] for name in PricedCoupon._fields)).join(
    Template.table, Template.c.id == Coupon.c.template_id
)
_LIVE = Prepared(_of_wallets(_COUPONS))
_LIVE_IDS = Prepared(
    select(Coupon.c.id)
    .where(Coupon.c.customer_id == bindparam("customer_id"), _IS_LIVE)
    .order_by(*_SOONEST_TO_END)
    .limit(MOST_IN_WALLET)
)
_NAMED = Prepared(_COUPONS.where(one_of(Coupon.c.id, "ids"), Coupon.c.customer_id == bindparam("customer_id")))
_ACTIVE = (
    Template.c.kind == "promotion",
    Template.c.status == "active",
    one_of(Template.c.currency, "currencies"),
    _NOT_ENDED,
)
_PROMOTIONS = Prepared(
    select(*(Template.c[name] for name in RunningPromotion._fields))
    .where(*_ACTIVE)
    .where(or_(Template.c.total.is_(None), Template.c.issued < Template.c.total))
    .where(or_(Template.c.budget.is_(None), Template.c.budget_spent < Template.c.budget))
    .order_by(Template.c.id)
)
_WITH_LIMITS = select(Template.c.id).where(
    *_ACTIVE, or_(Template.c.total.is_not(None), Template.c.per_day.is_not(None), Template.c.budget.is_not(None))
)
_LIMITED_PROMOTIONS = Prepared(_WITH_LIMITS)
_LIMITED = Prepared(
    _WITH_LIMITS.union(
        select(Template.c.id)
        .join(Coupon.table, Coupon.c.template_id == Template.c.id)
        .where(
            one_of(Coupon.c.id, "ids"),
            Template.c.budget.is_not(None),
            or_(Template.c.budget_on == "redemption", Coupon.c.step > 1),
        )
    )
)


async def live_ids(tx: Transaction, customer_id: str, now: datetime) -> list[str]:
    """The ids of the live coupons of the wallet, soonest to end first."""
    return await tx.scalars(_LIVE_IDS, {"customer_id": customer_id, "now": now})


async def live(tx: Transaction, customer_ids: Sequence[str], now: datetime) -> list[PricedCoupon]:
    """The live coupons of the wallets with what their templates say; of each wallet, soonest to end first."""
    return await tx.rows(PricedCoupon, _LIVE, {"customers": customer_ids, "now": now})


async def named(tx: Transaction, customer_id: str, coupon_ids: Sequence[str]) -> list[PricedCoupon]:
    """Those of the named coupons that are this customer's, in no promised order."""
    if not coupon_ids:
        return []
    return await tx.rows(PricedCoupon, _NAMED, {"customer_id": customer_id, "ids": coupon_ids})


async def promotions(tx: Transaction, currencies: Sequence[str], now: datetime) -> list[RunningPromotion]:
    """Active promotions that have not ended and of which something is left, in the order of their ids."""
    return await tx.rows(RunningPromotion, _PROMOTIONS, {"currencies": currencies, "now": now})


async def limited(tx: Transaction, currency: str, coupon_ids: Sequence[str], now: datetime) -> list[str]:
    """The running promotions with limits, and the templates of which these coupons may take more than they reserve.

    A coupon that was just issued reserves its worst case already, unless its budget is taken on redemption.
    """
    if not coupon_ids:
        return await tx.scalars(_LIMITED_PROMOTIONS, {"currencies": [currency], "now": now})
    return await tx.scalars(_LIMITED, {"currencies": [currency], "now": now, "ids": coupon_ids})
