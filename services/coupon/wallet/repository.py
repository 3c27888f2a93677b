"""The SQL of coupons, of their ledger, and of what journeys asked for."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    case,
    func,
    literal,
    select,
    text,
    update,
)

from services.coupon.templates.models import Template
from services.coupon.wallet.models import Coupon, CouponEntry, IssueRequest
from shared.db import (
    Due,
    Prepared,
    Transaction,
    UtcDateTime,
    insert_bulk,
    insert_ignore,
    insert_later,
    one_of,
    update_bulk,
)
from shared.web import Page, Paging, filtered, page_of, visible

# Built once: claims and orders run them for every batch.
_NUMBERS = Prepared(
    select(Coupon.c.customer_id, Coupon.c.template_id, func.max(Coupon.c.seq).label("number"))
    .where(
        one_of(Coupon.c.customer_id, "customers"),
        one_of(Coupon.c.template_id, "templates"),
    )
    .group_by(Coupon.c.customer_id, Coupon.c.template_id)
)
_BY_ID = select(Coupon.table).where(one_of(Coupon.c.id, "ids")).order_by(Coupon.c.id)
_LOCK = Prepared(_BY_ID.with_for_update())
_LIVE = text("status IN ('issued', 'locked')")
"""Literal, as the predicate of the index is, so that both planners take it."""
_NEXT_END = (
    select(Coupon.c.valid_until).where(_LIVE, Coupon.c.status == "issued").order_by(Coupon.c.valid_until).limit(1)
)
_NEXT_REMINDER = select(Coupon.c.remind_at).where(Coupon.c.remind_at.is_not(None)).order_by(Coupon.c.remind_at).limit(1)
_CHANGED = {
    "status": "given.status",
    "step": "kept.step + 1",
    "reserved": "kept.reserved + given.budget_change",
    "face_amount": "coalesce(given.face_amount, kept.face_amount)",
    "lock_token": "given.lock_token",
    "checkout_id": "given.checkout_id",
    "locked_until": "given.locked_until",
    "updated_at": "given.updated_at",
}


class ShownCoupon(NamedTuple):
    """A coupon with what its template says; `status` is by the clock."""

    id: str
    owner_id: str
    template_id: str
    terms_version: int
    customer_id: str
    code: str
    source: str
    face_amount: int | None
    valid_from: datetime
    valid_until: datetime
    checkout_id: str | None
    issued_at: datetime
    status: str
    template_name: str
    currency: str


class DueReminder(NamedTuple):
    """A coupon whose owner is to be told that it ends."""

    id: str
    owner_id: str
    template_id: str
    customer_id: str
    status: str
    valid_until: datetime
    locked_until: datetime | None
    remind_at: datetime


class _Number(NamedTuple):
    customer_id: str
    template_id: str
    number: int


class _First(NamedTuple):
    customer_id: str
    first: datetime


async def find(tx: Transaction, coupon_ids: Sequence[str]) -> dict[str, Coupon]:
    """The coupons, by id and in that order; not locked."""
    if not coupon_ids:
        return {}
    return {row.id: row for row in await tx.rows(Coupon, _BY_ID, {"ids": coupon_ids})}


async def lock(tx: Transaction, coupon_ids: Sequence[str]) -> dict[str, Coupon]:
    """The coupons, locked until the end of the transaction, always in the order of their ids."""
    if not coupon_ids:
        return {}
    return {row.id: row for row in await tx.rows(Coupon, _LOCK, {"ids": sorted(coupon_ids)})}


async def numbers(tx: Transaction, template_ids: Sequence[str], customers: Sequence[str]) -> dict[str, dict[str, int]]:
    """The highest number of a coupon by template and customer."""
    found: dict[str, dict[str, int]] = {template_id: {} for template_id in template_ids}
    if found:
        parameters = {"customers": customers, "templates": template_ids}
        for row in await tx.rows(_Number, _NUMBERS, parameters):
            found[row.template_id][row.customer_id] = row.number
    return found


async def insert_coupons(tx: Transaction, rows: Sequence[dict[str, Any]]) -> set[str]:
    """Store new coupons, but for those whose number or reference is taken. Answers the ids of those that were stored."""
    return {coupon_id for (coupon_id,) in await insert_bulk(tx, Coupon.table, rows, ignore=True)}


def insert_entries(tx: Transaction, rows: Sequence[dict[str, Any]]) -> None:
    """Store the first entries of new coupons, at the end of the transaction."""
    insert_later(tx, CouponEntry.table, rows)


async def change(tx: Transaction, changes: Sequence[dict[str, Any]], entries: Sequence[dict[str, Any]]) -> None:
    """Write changes of held coupons, and the entries of the ledger that tell of them. See `ledger.apply`."""
    await update_bulk(tx, Coupon.table, changes, match={"id": "id", "step": "step"}, values=_CHANGED)
    await insert_bulk(tx, CouponEntry.table, entries)


async def entries(tx: Transaction, coupon_id: str) -> list[CouponEntry]:
    """The ledger of a coupon, oldest change first."""
    chosen = select(CouponEntry.table).where(CouponEntry.c.coupon_id == coupon_id)
    return await tx.rows(CouponEntry, chosen.order_by(CouponEntry.c.step))


def status_at(now: datetime) -> ColumnElement[str]:
    """`rules.effective` as SQL."""
    instant = literal(now, UtcDateTime)
    free = (Coupon.c.status == "issued") | and_(Coupon.c.status == "locked", Coupon.c.locked_until <= instant)
    return case(
        (free & (Coupon.c.valid_until <= instant), "expired"),
        (free, "issued"),
        else_=Coupon.c.status,
    )


async def page(
    tx: Transaction,
    paging: Paging,
    now: datetime,
    status: str | None,
    customer_id: str | None,
    template_id: str | None,
) -> Page[ShownCoupon]:
    """Coupons, newest first; `status` is by the clock."""
    chosen = filtered(_shown(now), {Coupon.c.customer_id: customer_id, Coupon.c.template_id: template_id})
    if status is not None:
        chosen = chosen.where(status_at(now) == status)
    chosen = visible(chosen, Coupon.c.owner_id, paging.caller)
    return await page_of(tx, ShownCoupon, chosen, Coupon.c.id, paging, lambda row: row)


async def shown(tx: Transaction, coupon_ids: Sequence[str], now: datetime) -> list[ShownCoupon]:
    """These coupons as their owners see them."""
    return await tx.rows(ShownCoupon, _shown(now).where(one_of(Coupon.c.id, coupon_ids)))


def _shown(now: datetime) -> Select[Any]:
    special = {"status": status_at(now), "template_name": Template.c.name, "currency": Template.c.currency}
    columns = [special[name].label(name) if name in special else Coupon.c[name] for name in ShownCoupon._fields]
    return select(*columns).join(Template.table, Template.c.id == Coupon.c.template_id)


async def first_coupons(tx: Transaction, customer_ids: Sequence[str]) -> dict[str, datetime]:
    """When each customer got the first coupon; for the audience."""
    chosen = select(Coupon.c.customer_id, func.min(Coupon.c.issued_at).label("first"))
    mine = chosen.where(one_of(Coupon.c.customer_id, customer_ids)).group_by(Coupon.c.customer_id)
    return {row.customer_id: row.first for row in await tx.rows(_First, mine)}


def due(now: datetime) -> Due:
    """Coupons that nobody holds and whose validity is over; for the sweeper."""
    chosen = select(Coupon.table).where(Coupon.c.status == "issued", Coupon.c.valid_until <= now)
    return Due(chosen.order_by(Coupon.c.valid_until), _NEXT_END, now)


def due_reminders(now: datetime) -> Due:
    """Coupons whose reminder is due, as `DueReminder`."""
    chosen = select(*(Coupon.c[name] for name in DueReminder._fields)).where(Coupon.c.remind_at <= now)
    return Due(chosen.order_by(Coupon.c.remind_at), _NEXT_REMINDER, now)


async def set_reminders(tx: Transaction, coupon_ids: Sequence[str], at: datetime | None) -> None:
    """Remind of these coupons at that instant; None for no more."""
    if coupon_ids:
        await tx.run(update(Coupon.table).where(one_of(Coupon.c.id, coupon_ids)).values(remind_at=at))


async def insert_request(tx: Transaction, row: dict[str, Any]) -> bool:
    """Store what was asked for by reference. False when that was done before."""
    return bool(await insert_ignore(tx, IssueRequest.table, [row]))


async def answer_request(tx: Transaction, reference: str, outcome: dict[str, Any]) -> None:
    """Write down the coupon, or the code of the refusal."""
    await tx.run(update(IssueRequest.table).where(IssueRequest.c.reference == reference).values(**outcome))
