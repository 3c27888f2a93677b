"""The SQL of the offers."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, bindparam, insert, or_, select, update

from services.coupon.templates.models import Template, TemplateDay, TemplateTerms
from services.coupon.templates.rules import OfferKind
from shared.db import Prepared, Transaction, one_of, update_later, upsert_bulk
from shared.web import Caller, Page, Paging, filtered, offered, page_of, visible

TermsKey = tuple[str, int]
"""Template id and version of its terms."""

# Built once: the claims' path runs them for every batch.
_LOCK = Prepared(select(Template.table).where(one_of(Template.c.id, "ids")).order_by(Template.c.id).with_for_update())
_DAYS = Prepared(select(TemplateDay.table).where(one_of((TemplateDay.c.template_id, TemplateDay.c.day), "keys")))
_LIMITED = select(Template.c.id).where(
    one_of(Template.c.id, "ids"),
    or_(Template.c.total.is_not(None), Template.c.per_day.is_not(None), Template.c.budget.is_not(None)),
)
_UNCOUNT_DAY = (
    update(TemplateDay.table)
    .where(TemplateDay.c.template_id == bindparam("of_template"), TemplateDay.c.day == bindparam("of_day"))
    .values(issued=TemplateDay.c.issued - bindparam("fewer"))
)
_TERMS = select(TemplateTerms.table).where(one_of((TemplateTerms.c.template_id, TemplateTerms.c.version), "keys"))


class RunningOffer(NamedTuple):
    """An active offer, as others ask whether they meet it."""

    id: str
    kind: str
    name: str
    terms_version: int


class _Name(NamedTuple):
    id: str
    name: str


async def find(tx: Transaction, template_id: str, kind: OfferKind = "coupon") -> Template | None:
    """The offer as it is; not locked."""
    chosen = select(Template.table).where(Template.c.id == template_id, Template.c.kind == kind)
    return await tx.row(Template, chosen)


async def find_offered(
    tx: Transaction, caller: Caller, template_id: str, kind: OfferKind = "coupon"
) -> Template | None:
    """The offer as it is, if it exists for the caller: the merchant's and their own."""
    chosen = select(Template.table).where(Template.c.id == template_id, Template.c.kind == kind)
    return await tx.row(Template, offered(chosen, Template.c.owner_id, caller))


async def find_own(tx: Transaction, caller: Caller, template_id: str, kind: OfferKind) -> Template | None:
    """The offer as it is, if the caller may change it."""
    chosen = select(Template.table).where(Template.c.id == template_id, Template.c.kind == kind)
    return await tx.row(Template, visible(chosen, Template.c.owner_id, caller))


async def page(
    tx: Transaction, paging: Paging, kind: OfferKind, status: str | None, name: str | None, currency: str | None
) -> Page[Template]:
    """Offers of one kind, newest first; `name` finds a part of the name."""
    wanted = {Template.c.kind: kind, Template.c.status: status, Template.c.currency: currency}
    chosen = offered(_named(filtered(select(Template.table), wanted), name), Template.c.owner_id, paging.caller)
    return await page_of(tx, Template, chosen, Template.c.id, paging, lambda row: row)


async def terms(tx: Transaction, keys: Sequence[TermsKey]) -> list[TemplateTerms]:
    """These versions of terms."""
    return await tx.rows(TemplateTerms, _TERMS, {"keys": keys})


async def running(
    tx: Transaction, caller: Caller, kind: OfferKind, currency: str, now: datetime, limit: int
) -> list[RunningOffer]:
    """The newest active offers of that kind which have not ended, as far as they exist for the caller."""
    chosen = select(Template.c.id, Template.c.kind, Template.c.name, Template.c.terms_version)
    active = chosen.where(Template.c.kind == kind, Template.c.status == "active", Template.c.currency == currency)
    newest = active.where(_not_ended(now)).order_by(Template.c.id.desc()).limit(limit)
    return await tx.rows(RunningOffer, offered(newest, Template.c.owner_id, caller))


def in_centre(caller: Caller, now: datetime) -> Select[Any]:
    """The offers of the claim centre that have not ended."""
    shown = (Template.c.kind == "coupon", Template.c.visible_in_centre, Template.c.cash_back_of.is_(None))
    chosen = select(Template.table).where(*shown, Template.c.status == "active", _not_ended(now))
    return offered(chosen, Template.c.owner_id, caller)


async def find_in_centre(tx: Transaction, caller: Caller, template_id: str, now: datetime) -> Template | None:
    """One of them."""
    return await tx.row(Template, in_centre(caller, now).where(Template.c.id == template_id))


async def next_in_centre(
    tx: Transaction, caller: Caller, now: datetime, after: str | None, limit: int
) -> list[Template]:
    """The next of them, newest first, behind `after`."""
    chosen = in_centre(caller, now)
    if after is not None:
        chosen = chosen.where(Template.c.id < after)
    return await tx.rows(Template, chosen.order_by(Template.c.id.desc()).limit(limit))


async def page_in_centre(
    tx: Transaction, paging: Paging, name: str | None, currency: str | None, now: datetime
) -> Page[Template]:
    """A page of them; `name` finds a part of the name."""
    chosen = _named(filtered(in_centre(paging.caller, now), {Template.c.currency: currency}), name)
    return await page_of(tx, Template, chosen, Template.c.id, paging, lambda row: row)


async def names(tx: Transaction, template_ids: Sequence[str]) -> dict[str, str]:
    """What these offers are called, by id."""
    if not template_ids:
        return {}
    chosen = select(Template.c.id, Template.c.name).where(one_of(Template.c.id, template_ids))
    return {row.id: row.name for row in await tx.rows(_Name, chosen)}


async def lock(tx: Transaction, template_ids: Sequence[str]) -> dict[str, Template]:
    """The templates, locked until the end of the transaction, always in the order of their ids."""
    if not template_ids:
        return {}
    return {row.id: row for row in await tx.rows(Template, _LOCK, {"ids": template_ids})}


async def lock_limited(tx: Transaction, template_ids: Collection[str]) -> dict[str, Template]:
    """Those of these offers that have limits, locked in the order of their ids: before any that has none."""
    if not template_ids:
        return {}
    return await lock(tx, sorted(await tx.scalars(_LIMITED, {"ids": sorted(template_ids)})))


async def insert_offer(tx: Transaction, row: dict[str, Any]) -> None:
    """A new offer, beside its terms."""
    await tx.run(insert(Template.table), row)


async def insert_terms(tx: Transaction, row: dict[str, Any]) -> None:
    """One more version of an offer's terms."""
    await tx.run(insert(TemplateTerms.table), row)


async def update_offer(tx: Transaction, template_id: str, values: dict[str, Any]) -> None:
    """Write changed columns of an offer whose row is held."""
    await tx.run(update(Template.table).where(Template.c.id == template_id).values(**values))


def count(tx: Transaction, changes: Sequence[dict[str, Any]], by: str | None = None) -> None:
    """Move counters, when the transaction goes on: rows of `id`, `more_issued`, `more_spent`. The CHECKs refuse to pass a limit.

    Each offer once; where there are several, their rows are held. `by` is the process that gives coupons out.
    """
    moved = {"issued": "kept.issued + given.more_issued", "budget_spent": "kept.budget_spent + given.more_spent"}
    if by is not None:
        moved["granted_by"] = "given.granted_by"
        changes = [{**change, "granted_by": by} for change in changes]
    update_later(tx, Template.table, changes, match={"id": "id"}, values=moved)


async def days(tx: Transaction, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """How many were issued, by (template_id, day)."""
    if not keys:
        return {}
    return {(row.template_id, row.day): row.issued for row in await tx.rows(TemplateDay, _DAYS, {"keys": keys})}


async def count_days(tx: Transaction, rows: Sequence[dict[str, Any]]) -> None:
    """Add `issued` to the counters of the days; the template's row lock is held."""
    await upsert_bulk(tx, TemplateDay.table, rows, [], added=["issued"])


async def uncount_days(tx: Transaction, fewer: dict[tuple[str, str], int]) -> None:
    """Take so many off the counters of these days, by (template_id, day); the template's row lock is held."""
    rows = [{"of_template": key[0], "of_day": key[1], "fewer": number} for key, number in sorted(fewer.items())]
    if rows:
        await tx.run(_UNCOUNT_DAY, rows[0] if len(rows) == 1 else rows)


def _named(statement: Select[Any], name: str | None) -> Select[Any]:
    return statement if name is None else statement.where(Template.c.name.contains(name, autoescape=True))


def _not_ended(now: datetime) -> ColumnElement[bool]:
    return or_(Template.c.ends_at.is_(None), Template.c.ends_at > now)
