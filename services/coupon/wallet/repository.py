"""The SQL of coupons and of their ledger."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Row,
    Select,
    and_,
    bindparam,
    case,
    func,
    insert,
    literal,
    select,
    update,
)

from services.coupon.statements import padded
from services.coupon.templates.repository import TEMPLATE
from services.coupon.wallet.models import Coupon, CouponEntry
from shared.db import Transaction, UtcDateTime

_CHANGE = (
    update(Coupon.table)
    .where(Coupon.c.id == bindparam("held_id"), Coupon.c.step == bindparam("held_step"))
    .values(
        status=bindparam("to_status"),
        step=Coupon.c.step + 1,
        reserved=Coupon.c.reserved + bindparam("budget_change"),
        face_amount=func.coalesce(bindparam("to_face", type_=BigInteger), Coupon.c.face_amount),
        lock_token=bindparam("to_token"),
        checkout_id=bindparam("to_checkout"),
        locked_until=bindparam("to_locked_until"),
        updated_at=bindparam("now"),
    )
)


async def find(tx: Transaction, coupon_ids: Sequence[str]) -> dict[str, Coupon]:
    """The coupons, by id and in that order."""
    if not coupon_ids:
        return {}
    chosen = select(Coupon.table).where(Coupon.c.id.in_(padded(coupon_ids))).order_by(Coupon.c.id)
    return {row.id: row for row in await tx.rows(Coupon, chosen)}


async def lock(tx: Transaction, coupon_ids: Sequence[str]) -> dict[str, Coupon]:
    """The coupons, locked until the end of the transaction, always in the order of their ids."""
    if not coupon_ids:
        return {}
    chosen = select(Coupon.table).where(Coupon.c.id.in_(padded(sorted(coupon_ids)))).order_by(Coupon.c.id)
    return {row.id: row for row in await tx.rows(Coupon, chosen.with_for_update())}


def ended(now: datetime) -> Select[Any]:
    """Coupons that nobody holds and whose validity is over; for the sweeper."""
    chosen = select(Coupon.table).where(Coupon.c.status == "issued", Coupon.c.valid_until <= now)
    return chosen.order_by(Coupon.c.valid_until)


async def change(tx: Transaction, changes: Sequence[dict[str, Any]], entries: Sequence[dict[str, Any]]) -> None:
    """Write changes of held coupons, and the entries of the ledger that tell of them. See `ledger.apply`."""
    await tx.run(_CHANGE, changes)
    await tx.run(insert(CouponEntry.table), entries)


def status_at(now: datetime) -> ColumnElement[str]:
    """`rules.effective` as SQL."""
    instant = literal(now, UtcDateTime)
    free = (Coupon.c.status == "issued") | and_(Coupon.c.status == "locked", Coupon.c.locked_until <= instant)
    return case(
        (free & (Coupon.c.valid_until <= instant), "expired"),
        (free, "issued"),
        else_=Coupon.c.status,
    )


def coupons_at(now: datetime) -> Select[Any]:
    """Coupons with their effective status and what their template says."""
    return select(
        Coupon.table,
        status_at(now).label("effective"),
        literal(now, UtcDateTime).label("server_time"),
        TEMPLATE.c.name.label("template_name"),
        TEMPLATE.c.currency,
    ).join(TEMPLATE, TEMPLATE.c.id == Coupon.c.template_id)


async def entries(tx: Transaction, coupon_id: str) -> Sequence[Row[Any]]:
    chosen = select(CouponEntry.table).where(CouponEntry.c.coupon_id == coupon_id).order_by(CouponEntry.c.step)
    return (await tx.execute(chosen)).all()


async def first_coupons(tx: Transaction, customer_ids: Sequence[str]) -> dict[str, datetime]:
    """When each customer got the first coupon; for the audience."""
    chosen = select(Coupon.c.customer_id, func.min(Coupon.c.issued_at).label("first"))
    mine = chosen.where(Coupon.c.customer_id.in_(padded(customer_ids))).group_by(Coupon.c.customer_id)
    return {row.customer_id: row.first for row in await tx.execute(mine)}
