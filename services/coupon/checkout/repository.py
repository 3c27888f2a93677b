"""The SQL of the checkouts, and of what they use of promotions."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, case, exists, or_, select, text, update

from services.coupon.checkout.models import (
    Checkout,
    CheckoutCoupon,
    CheckoutLine,
    CheckoutPromotion,
    DiscountShare,
    PromotionEntry,
)
from shared.db import Due, Prepared, Transaction, UtcDateTime, insert_bulk, insert_ignore, one_of
from shared.web import MERCHANT, Caller, Page, Paging, filtered, page_of, visible

Json = dict[str, Any]
_OPEN = or_(Checkout.c.status == "locked", Checkout.c.status == "committed")
_MOST_DUE = 100
"""So many locks of one customer that ran out are ended on their way; the sweeper ends the others."""

# Built once: every order runs them.
_LOCKS = Prepared(
    select(CheckoutCoupon.table).where(one_of(CheckoutCoupon.c.checkout_id, "ids")).order_by(CheckoutCoupon.c.coupon_id)
)
_BY_ID = select(Checkout.table).where(Checkout.c.id == bindparam("checkout_id"))
_FIND, _LOCK = Prepared(_BY_ID), Prepared(_BY_ID.with_for_update())
_FIND_OPEN = Prepared(
    select(Checkout.table).where(
        Checkout.c.owner_id == bindparam("of_owner"), Checkout.c.order_id == bindparam("of_order"), _OPEN
    )
)
_DUE = select(Checkout.table).where(
    Checkout.c.status == "locked", Checkout.c.expires_at <= bindparam("now", type_=UtcDateTime)
)
_NEXT_END = select(Checkout.c.expires_at).where(text("status = 'locked'")).order_by(Checkout.c.expires_at).limit(1)
_LOCK_DUE = Prepared(
    _DUE.where(or_(Checkout.c.customer_id == bindparam("of_customer"), Checkout.c.order_id == bindparam("of_order")))
    .order_by(Checkout.c.id)
    .limit(_MOST_DUE)
    .with_for_update()
)
_SET_LOCK = (
    update(CheckoutCoupon.table)
    .where(
        CheckoutCoupon.c.checkout_id == bindparam("of_checkout"), CheckoutCoupon.c.coupon_id == bindparam("of_coupon")
    )
    .values(state=bindparam("to_state"), token=bindparam("to_token"))
)
_PROMOTIONS = (
    select(CheckoutPromotion.table)
    .where(one_of(CheckoutPromotion.c.checkout_id, "ids"))
    .order_by(CheckoutPromotion.c.promotion_id, CheckoutPromotion.c.checkout_id)
)
_PROMOTIONS_ALL = Prepared(_PROMOTIONS)
_PROMOTIONS_IN = Prepared(_PROMOTIONS.where(CheckoutPromotion.c.state == bindparam("state")))
_STEP = (
    update(CheckoutPromotion.table)
    .where(
        CheckoutPromotion.c.checkout_id == bindparam("of_checkout"),
        CheckoutPromotion.c.promotion_id == bindparam("of_promotion"),
        CheckoutPromotion.c.step == bindparam("new_step") - 1,
    )
    .values(
        state=bindparam("new_state"),
        step=bindparam("new_step"),
        budget_taken=bindparam("new_budget"),
        day=bindparam("new_day"),
    )
)


async def insert_checkout(tx: Transaction, row: Json) -> bool:
    """Store a new checkout. False when the order has an open one already."""
    return bool(await insert_ignore(tx, Checkout.table, [row]))


async def insert_parts(tx: Transaction, lines: Sequence[Json], shares: Sequence[Json], coupons: Sequence[Json]) -> None:
    """Store what belongs to a new checkout: its lines, their shares of the discounts, the locks of its coupons."""
    for target, rows in ((CheckoutLine, lines), (DiscountShare, shares), (CheckoutCoupon, coupons)):
        await insert_bulk(tx, target.table, rows)


async def lock(tx: Transaction, checkout_id: str) -> Checkout | None:
    """The checkout, locked until the end of the transaction. Its coupons are locked after it, never before."""
    return await tx.row(Checkout, _LOCK, {"checkout_id": checkout_id})


async def lock_seen(tx: Transaction, caller: Caller, checkout_id: str) -> Checkout | None:
    """The same, if it exists for the caller."""
    return await tx.row(Checkout, _seen(caller, checkout_id).with_for_update())


async def find(tx: Transaction, checkout_id: str) -> Checkout | None:
    """The checkout as it is; not locked."""
    return await tx.row(Checkout, _FIND, {"checkout_id": checkout_id})


async def find_seen(tx: Transaction, caller: Caller, checkout_id: str) -> Checkout | None:
    """The same, if it exists for the caller."""
    return await tx.row(Checkout, _seen(caller, checkout_id))


def _seen(caller: Caller, checkout_id: str) -> Select[Any]:
    return visible(select(Checkout.table).where(Checkout.c.id == checkout_id), Checkout.c.owner_id, caller)


async def find_open(tx: Transaction, owner_id: str, order_id: str) -> Checkout | None:
    """The owner's locked or committed checkout of that order: each partner counts orders for themselves."""
    return await tx.row(Checkout, _FIND_OPEN, {"of_owner": owner_id, "of_order": order_id})


async def lock_newest(tx: Transaction, owner_id: str, order_id: str) -> Checkout | None:
    """The order's open checkout, or else its latest; locked until the end of the transaction.

    A partner's order system speaks of its own orders. The merchant's speaks of everybody's, and of its own first.
    """
    chosen = select(Checkout.c.id).where(Checkout.c.order_id == order_id)
    own = Checkout.c.owner_id == owner_id
    if owner_id != MERCHANT:
        chosen = chosen.where(own)
    found: str | None = await tx.scalar(chosen.order_by(own.desc(), _OPEN.desc(), Checkout.c.id.desc()).limit(1))
    return None if found is None else await lock(tx, found)


def due(now: datetime) -> Due:
    """Locks that ran out, those that ended first before the others."""
    return Due(_due(now).order_by(Checkout.c.expires_at, Checkout.c.id), _NEXT_END, now)


async def lock_due(tx: Transaction, now: datetime, customer_id: str, order_id: str) -> list[Checkout]:
    """Locks of the customer or the order that ran out, locked until the end of the transaction in the order of their ids."""
    return await tx.rows(Checkout, _LOCK_DUE, {"now": now, "of_customer": customer_id, "of_order": order_id})


async def lock_if_due(tx: Transaction, now: datetime, checkout_id: str) -> Checkout | None:
    """The checkout, locked until the end of the transaction, if its lock ran out."""
    return await tx.row(Checkout, _due(now).where(Checkout.c.id == checkout_id).with_for_update())


def _due(now: datetime) -> Select[Any]:
    return _DUE.params(now=now)


async def page(
    tx: Transaction,
    paging: Paging,
    now: datetime,
    customer_id: str | None,
    order_id: str | None,
    status: str | None,
) -> Page[Checkout]:
    """Checkouts, newest first; `status` is by the clock."""
    chosen = filtered(select(Checkout.table), {Checkout.c.customer_id: customer_id, Checkout.c.order_id: order_id})
    if status is not None:
        chosen = chosen.where(_status_at(now, status))
    chosen = visible(chosen, Checkout.c.owner_id, paging.caller)
    return await page_of(tx, Checkout, chosen, Checkout.c.id, paging, lambda row: row)


def _status_at(now: datetime, status: str) -> ColumnElement[bool]:
    """`rules.effective` as a condition."""
    overdue = Checkout.c.expires_at <= now
    if status == "locked":
        return and_(Checkout.c.status == "locked", ~overdue)
    if status == "expired":
        return or_(Checkout.c.status == "expired", and_(Checkout.c.status == "locked", overdue))
    return Checkout.c.status == status


async def coupon_locks(tx: Transaction, checkout_ids: Sequence[str]) -> dict[str, list[CheckoutCoupon]]:
    """The locks of coupons by checkout, in the order of the coupons' ids."""
    found: dict[str, list[CheckoutCoupon]] = {checkout_id: [] for checkout_id in checkout_ids}
    if found:
        for row in await tx.rows(CheckoutCoupon, _LOCKS, {"ids": checkout_ids}):
            found[row.checkout_id].append(row)
    return found


async def update_locks(
    tx: Transaction, rows: Sequence[CheckoutCoupon], state: str, tokens: Mapping[str, int] | None = None
) -> None:
    """Set the state of these locks, and their fencing tokens where `tokens` has new ones by coupon."""
    if rows:
        new = tokens or {}
        values = [
            {
                "of_checkout": row.checkout_id,
                "of_coupon": row.coupon_id,
                "to_state": state,
                "to_token": new.get(row.coupon_id, row.token),
            }
            for row in rows
        ]
        await tx.run(_SET_LOCK, values)


async def update_status(tx: Transaction, checkout_ids: Sequence[str], status: str, now: datetime) -> None:
    """These checkouts, whose rows are held, have that status from now on."""
    if checkout_ids:
        mine = one_of(Checkout.c.id, checkout_ids)
        await tx.run(update(Checkout.table).where(mine).values(status=status, updated_at=now))


async def update_end(tx: Transaction, checkout_id: str, until: datetime, now: datetime) -> None:
    """The lock lasts until then."""
    await tx.run(update(Checkout.table).where(Checkout.c.id == checkout_id).values(expires_at=until, updated_at=now))


async def promotions(tx: Transaction, checkout_ids: Sequence[str], state: str | None = None) -> list[CheckoutPromotion]:
    """The promotions of the checkouts, in the order of their ids; in that state only."""
    if not checkout_ids:
        return []
    if state is None:
        return await tx.rows(CheckoutPromotion, _PROMOTIONS_ALL, {"ids": checkout_ids})
    return await tx.rows(CheckoutPromotion, _PROMOTIONS_IN, {"ids": checkout_ids, "state": state})


async def insert_promotions(tx: Transaction, rows: Sequence[Json]) -> None:
    """Store the promotions of a new checkout."""
    await insert_bulk(tx, CheckoutPromotion.table, rows)


async def step_promotions(tx: Transaction, rows: Sequence[Json]) -> None:
    """Take promotions of checkouts to their next step: `of_checkout`, `of_promotion` and what is `new_…`."""
    await tx.run(_STEP, rows)


async def insert_promotion_entries(tx: Transaction, rows: Sequence[Json]) -> None:
    """The ledger's entries of such steps; their key refuses what was written already."""
    await insert_bulk(tx, PromotionEntry.table, rows)


def orders_of(
    customer_ids: Sequence[str], now: datetime, but: str
) -> Select[tuple[str, str, datetime, int, int | None]]:
    """The paid orders of these customers, and the open ones that use a first-order offer; for the audience.

    An order came back when no goods of it are left, gifts included.
    """
    columns, line = Checkout.c, CheckoutLine.c
    held = and_(columns.status == "locked", columns.first_order, columns.expires_at > now)
    kept = exists().where(line.checkout_id == columns.id, line.kind != "shipping", line.returned < line.quantity)
    return select(
        columns.customer_id,
        columns.order_id,
        columns.created_at.label("at"),
        case((held, 1), else_=0).label("open"),
        case((kept, 0), else_=1).label("back"),
    ).where(
        one_of(columns.customer_id, customer_ids),
        columns.order_id != but,
        or_(held, columns.status.not_in(("locked", "rolled_back", "expired"))),
    )
