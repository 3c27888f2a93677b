"""The SQL of the figures. It reads whole tables: their indexes serve claims and orders, which are many more."""

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, Table, and_, case, func, or_, select

from services.coupon.cash_back.models import CashBackPromise
from services.coupon.checkout.models import CheckoutCoupon, CheckoutPromotion
from services.coupon.redemption.models import Redemption
from services.coupon.refunds.models import RefundShare
from services.coupon.wallet.models import Coupon
from shared.db import Transaction

_PAID = ("redeemed", "returned")


class Counted(NamedTuple):
    """How many are in one state."""

    state: str
    number: int


class Money(NamedTuple):
    """Minor units."""

    discount_cost: int
    cash_back: int


async def coupons(tx: Transaction, template_id: str, now: datetime) -> dict[str, int]:
    """How many coupons of the template are in each state, by the clock: a lock that ran out holds nothing."""
    c = Coupon.c
    free = or_(c.status == "issued", and_(c.status == "locked", c.locked_until <= now))
    state = case((and_(free, c.valid_until <= now), "expired"), (free, "issued"), else_=c.status).label("state")
    chosen = select(state, func.count().label("number")).where(c.template_id == template_id).group_by(state)
    return {row.state: row.number for row in await tx.rows(Counted, chosen)}


async def orders(tx: Transaction, promotion_id: str) -> dict[str, int]:
    """How many orders with the promotion are in each state."""
    c = CheckoutPromotion.c
    chosen = select(c.state.label("state"), func.count().label("number")).where(c.promotion_id == promotion_id)
    return {row.state: row.number for row in await tx.rows(Counted, chosen.group_by(c.state))}


async def money_of_coupons(tx: Transaction, template_id: str) -> Money:
    """What coupons of the template took off orders and at tills, and promised."""
    used = CheckoutCoupon.c
    on_line = await _money(tx, CheckoutCoupon.table, used.coupon_id, used.template_id == template_id)
    at_tills = select(_total(Redemption.c.amount))
    live = at_tills.where(Redemption.c.template_id == template_id, Redemption.c.status == "redeemed")
    return on_line._replace(discount_cost=on_line.discount_cost + await _sum(tx, live))


async def money_of_promotion(tx: Transaction, promotion_id: str) -> Money:
    """What the promotion took off orders, and promised."""
    used = CheckoutPromotion.c
    return await _money(tx, CheckoutPromotion.table, used.promotion_id, used.promotion_id == promotion_id)


async def _money(tx: Transaction, used: Table, source: ColumnElement[str], ours: ColumnElement[bool]) -> Money:
    """Of paid orders; what came back whole gave back all of it. `source` names what an order `used`."""
    paid = ours & used.c.state.in_(_PAID)
    back, later = RefundShare.c, CashBackPromise.c
    returned = and_(back.checkout_id == used.c.checkout_id, back.source == source)
    promised = and_(later.checkout_id == used.c.checkout_id, later.source == source)
    given_back = select(_total(back.amount)).join_from(used, RefundShare.table, returned)
    cash_back = select(_total(later.amount)).join_from(used, CashBackPromise.table, promised)
    taken = await _sum(tx, select(_total(used.c.amount)).where(paid))
    return Money(
        taken - await _sum(tx, given_back.where(paid)),
        await _sum(tx, cash_back.where(paid, later.status != "cancelled")),
    )


def _total(column: ColumnElement[int]) -> ColumnElement[int]:
    return func.coalesce(func.sum(column), 0)


async def _sum(tx: Transaction, statement: Select[Any]) -> int:
    return int(await tx.scalar(statement) or 0)
