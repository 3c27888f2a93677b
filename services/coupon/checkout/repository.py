"""The SQL of the checkouts."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, Table, and_, bindparam, case, insert, or_, select, update

from services.coupon.checkout.models import (
    Checkout,
    CheckoutCoupon,
    CheckoutPromotion,
)
from services.coupon.statements import padded
from shared.db import Transaction, insert_ignore

OPEN = Checkout.c.status.in_(("locked", "committed"))


async def add(tx: Transaction, checkout: dict[str, Any]) -> bool:
    """False when the order has an open checkout already."""
    return bool(await insert_ignore(tx, Checkout.table, [checkout]))


async def add_parts(tx: Transaction, parts: Mapping[Table, Sequence[dict[str, Any]]]) -> None:
    """The rows that belong to a new checkout, by table."""
    for target, rows in parts.items():
        if rows:
            await tx.execute(insert(target), rows)


async def hold(tx: Transaction, checkout_id: str) -> Row[Any] | None:
    """The checkout, locked until the end of the transaction. Its coupons are locked after it, never before."""
    return (
        await tx.execute(select(Checkout.table).where(Checkout.c.id == checkout_id).with_for_update())
    ).one_or_none()


async def find(tx: Transaction, checkout_id: str) -> Row[Any] | None:
    return (await tx.execute(select(Checkout.table).where(Checkout.c.id == checkout_id))).one_or_none()


async def open_for(tx: Transaction, order_id: str) -> Row[Any] | None:
    """The order's locked or committed checkout."""
    return (await tx.execute(select(Checkout.table).where(Checkout.c.order_id == order_id, OPEN))).one_or_none()


async def newest_for(tx: Transaction, order_id: str) -> Row[Any] | None:
    """The order's open checkout, or else its latest; held by this transaction."""
    chosen = (
        select(Checkout.table)
        .where(Checkout.c.order_id == order_id)
        .order_by(OPEN.desc(), Checkout.c.id.desc())
        .limit(1)
    )
    found = (await tx.execute(chosen)).one_or_none()
    return None if found is None else await hold(tx, found.id)


async def due(tx: Transaction, now: datetime, where: ColumnElement[bool], limit: int, *, wait: bool) -> list[Row[Any]]:
    """Locks that ran out, held by this transaction. `wait` for those that somebody else is at work on, or skip them."""
    chosen = select(Checkout.table).where(Checkout.c.status == "locked", Checkout.c.expires_at <= now, where)
    ordered = chosen.order_by(Checkout.c.id).limit(limit).with_for_update(skip_locked=not wait)
    return list((await tx.execute(ordered)).all())


async def locks(tx: Transaction, checkout_ids: Sequence[str]) -> dict[str, list[Row[Any]]]:
    """The coupons of the checkouts, in the order of their ids."""
    found: dict[str, list[Row[Any]]] = {checkout_id: [] for checkout_id in checkout_ids}
    if found:
        chosen = (
            select(CheckoutCoupon.table)
            .where(CheckoutCoupon.c.checkout_id.in_(padded(checkout_ids)))
            .order_by(CheckoutCoupon.c.coupon_id)
        )
        for row in await tx.execute(chosen):
            found[row.checkout_id].append(row)
    return found


async def promotions(tx: Transaction, checkout_ids: Sequence[str], state: str | None = None) -> Sequence[Row[Any]]:
    """The promotions of the checkouts, in the order of their ids; in that state only."""
    if not checkout_ids:
        return []
    chosen = select(CheckoutPromotion.table).where(CheckoutPromotion.c.checkout_id.in_(padded(checkout_ids)))
    if state is not None:
        chosen = chosen.where(CheckoutPromotion.c.state == state)
    return (await tx.execute(chosen.order_by(CheckoutPromotion.c.promotion_id, CheckoutPromotion.c.checkout_id))).all()


async def set_locks(tx: Transaction, rows: Sequence[Row[Any]], state: str, tokens: dict[str, int]) -> None:
    """Set the state of these locks, and their fencing tokens where `tokens` has new ones."""
    if not rows:
        return
    columns = CheckoutCoupon.c
    statement = (
        update(CheckoutCoupon.table)
        .where(columns.checkout_id == bindparam("of_checkout"), columns.coupon_id == bindparam("of_coupon"))
        .values(state=bindparam("to_state"), token=bindparam("to_token"))
    )
    await tx.execute(
        statement,
        [
            {
                "of_checkout": row.checkout_id,
                "of_coupon": row.coupon_id,
                "to_state": state,
                "to_token": tokens.get(row.coupon_id, row.token),
            }
            for row in rows
        ],
    )


async def set_status(tx: Transaction, checkout_ids: Sequence[str], status: str, now: datetime) -> None:
    if checkout_ids:
        chosen = Checkout.c.id.in_(padded(checkout_ids))
        await tx.execute(update(Checkout.table).where(chosen).values(status=status, updated_at=now))


async def set_end(tx: Transaction, checkout_id: str, until: datetime, now: datetime) -> None:
    """The lock lasts until then."""
    await tx.execute(
        update(Checkout.table).where(Checkout.c.id == checkout_id).values(expires_at=until, updated_at=now)
    )


def orders_of(customer_ids: Sequence[str], now: datetime, but: str) -> Select[tuple[str, datetime, int]]:
    """The paid orders of these customers, and the open ones that use a first-order offer; for the audience."""
    columns = Checkout.c
    held = and_(columns.status == "locked", columns.first_order, columns.expires_at > now)
    return select(columns.customer_id, columns.created_at.label("at"), case((held, 1), else_=0).label("open")).where(
        columns.customer_id.in_(padded(customer_ids)),
        columns.order_id != but,
        or_(held, columns.status.not_in(("locked", "rolled_back", "expired"))),
    )
