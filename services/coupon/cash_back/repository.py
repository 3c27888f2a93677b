"""The SQL of the promises."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, insert, select, update

from services.coupon.cash_back.models import CashBack
from services.coupon.statements import padded
from shared.db import Transaction


async def add(tx: Transaction, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        await tx.execute(insert(CashBack.table), rows)


async def of_checkout(tx: Transaction, checkout_id: str) -> Sequence[Row[Any]]:
    """The promises of a checkout, in the order of their ids. Whoever changes them holds the checkout's row."""
    chosen = select(CashBack.table).where(CashBack.c.checkout_id == checkout_id).order_by(CashBack.c.id)
    return (await tx.execute(chosen)).all()


async def find(tx: Transaction, cash_back_id: str) -> Row[Any] | None:
    return (await tx.execute(select(CashBack.table).where(CashBack.c.id == cash_back_id))).one_or_none()


async def withdraw(tx: Transaction, checkout_ids: Sequence[str], now: datetime) -> None:
    """Orders that were given up are promised nothing any more."""
    if checkout_ids:
        mine = CashBack.c.checkout_id.in_(padded(checkout_ids)) & (CashBack.c.status == "promised")
        await tx.execute(update(CashBack.table).where(mine).values(status="cancelled", updated_at=now))


async def renew(tx: Transaction, checkout_id: str, now: datetime) -> None:
    """A checkout that was locked again is promised the same again."""
    mine = (CashBack.c.checkout_id == checkout_id) & (CashBack.c.status == "cancelled")
    values = {"status": "promised", "amount": CashBack.c.promised, "updated_at": now}
    await tx.execute(update(CashBack.table).where(mine).values(**values))


async def change(tx: Transaction, rows: Sequence[Mapping[str, Any]]) -> None:
    """Set `status`, `amount`, `coupon_id` and `note` of the promises `of_id`."""
    if rows:
        names = ("status", "amount", "coupon_id", "note", "updated_at")
        values: dict[str, Any] = {name: bindparam(f"to_{name}") for name in names}
        await tx.execute(
            update(CashBack.table).where(CashBack.c.id == bindparam("of_id")).values(**values),
            [dict(row) for row in rows],
        )


def changed(row: Row[Any], now: datetime, **values: Any) -> dict[str, Any]:
    """One row for `change`: as it is, but for these values."""
    kept = {name: values.get(name, getattr(row, name)) for name in ("status", "amount", "coupon_id", "note")}
    return {"of_id": row.id, "to_updated_at": now, **{f"to_{name}": value for name, value in kept.items()}}
