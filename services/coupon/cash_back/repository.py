"""The SQL of the promises, and of the templates that their coupons are issued by."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, insert, select, update

from services.coupon.cash_back.models import CashBackPromise
from services.coupon.cash_back.schemas import CashBackView
from services.coupon.templates.models import Template, TemplateTerms
from shared.db import Transaction, insert_ignore, one_of
from shared.web import Caller, Page, Paging, filtered, page_of, visible

_ALL = select(CashBackPromise.table)
_CHANGING = ("status", "amount", "owed", "coupon_id", "note")
_CHANGE = (
    update(CashBackPromise.table)
    .where(CashBackPromise.c.id == bindparam("of_id"))
    .values({name: bindparam(f"to_{name}") for name in (*_CHANGING, "updated_at")})
)


async def insert_promises(tx: Transaction, rows: Sequence[dict[str, Any]]) -> None:
    """Store what a checkout promises."""
    if rows:
        await tx.run(insert(CashBackPromise.table), rows)


async def of_checkout(tx: Transaction, checkout_id: str) -> list[CashBackPromise]:
    """The promises of a checkout, in the order of their ids. Whoever changes them holds the checkout's row."""
    chosen = _ALL.where(CashBackPromise.c.checkout_id == checkout_id).order_by(CashBackPromise.c.id)
    return await tx.rows(CashBackPromise, chosen)


async def named(tx: Transaction, promise_ids: Sequence[str]) -> list[CashBackPromise]:
    """The promises of these ids."""
    if not promise_ids:
        return []
    return await tx.rows(CashBackPromise, _ALL.where(one_of(CashBackPromise.c.id, promise_ids)))


async def find(tx: Transaction, caller: Caller, cash_back_id: str) -> CashBackPromise | None:
    """One promise, or None."""
    chosen = _ALL.where(CashBackPromise.c.id == cash_back_id)
    return await tx.row(CashBackPromise, visible(chosen, CashBackPromise.c.owner_id, caller))


async def page(
    tx: Transaction, paging: Paging, customer_id: str | None, order_id: str | None, status: str | None
) -> Page[CashBackView]:
    """Newest first."""
    columns = CashBackPromise.c
    chosen = filtered(_ALL, {columns.customer_id: customer_id, columns.order_id: order_id, columns.status: status})
    chosen = visible(chosen, columns.owner_id, paging.caller)
    return await page_of(tx, CashBackPromise, chosen, columns.id, paging, CashBackView.model_validate)


async def withdraw(tx: Transaction, checkout_ids: Sequence[str], now: datetime) -> None:
    """Orders that were given up are promised nothing any more."""
    if checkout_ids:
        mine = one_of(CashBackPromise.c.checkout_id, checkout_ids) & (CashBackPromise.c.status == "promised")
        await tx.run(update(CashBackPromise.table).where(mine).values(status="cancelled", updated_at=now))


async def renew(tx: Transaction, checkout_id: str, now: datetime) -> None:
    """A checkout that was locked again is promised the same again."""
    mine = (CashBackPromise.c.checkout_id == checkout_id) & (CashBackPromise.c.status == "cancelled")
    values = {"status": "promised", "amount": CashBackPromise.c.promised, "updated_at": now}
    await tx.run(update(CashBackPromise.table).where(mine).values(**values))


async def change(tx: Transaction, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows that `changed` made."""
    if rows:
        await tx.run(_CHANGE, [dict(row) for row in rows])


def changed(row: CashBackPromise, now: datetime, **values: Any) -> dict[str, Any]:
    """One row for `change`: as it is, but for these values."""
    kept = {name: values.get(name, getattr(row, name)) for name in _CHANGING}
    return {"of_id": row.id, "to_updated_at": now, **{f"to_{name}": value for name, value in kept.items()}}


async def source_of(tx: Transaction, promise: CashBackPromise) -> Template:
    """The offer that promises. One that is gone would be a broken database: ValueError."""
    found = await tx.row(Template, select(Template.table).where(Template.c.id == promise.template_id))
    if found is None:
        raise ValueError(f"the offer of cash-back {promise.id} is gone")
    return found


async def companion_of(tx: Transaction, template_id: str) -> str | None:
    """The template that the cash-back of this offer is given by, if one was made."""
    found: str | None = await tx.scalar(select(Template.c.id).where(Template.c.cash_back_of == template_id))
    return found


async def insert_companion(tx: Transaction, template: Mapping[str, Any], terms: Mapping[str, Any]) -> bool:
    """Make the template, unless somebody made it meanwhile: then False."""
    if not await insert_ignore(tx, Template.table, [template]):
        return False
    await tx.run(insert(TemplateTerms.table), terms)
    return True


async def renew_terms(tx: Transaction, template: Template, terms: Mapping[str, Any], now: datetime) -> None:
    """Give the template, whose row is held, the next version of its terms."""
    await tx.run(insert(TemplateTerms.table), terms)
    values = {"terms_version": terms["version"], "version": template.version + 1, "updated_at": now}
    await tx.run(update(Template.table).where(Template.c.id == template.id).values(**values))
