"""The template of the coupons that cash-back is given as: one for each offer that promises it, made when first needed."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select, update

from services.coupon.templates import repository as templates
from services.coupon.templates.models import Template, TemplateTerms
from services.coupon.templates.repository import TermsBook
from services.coupon.templates.terms import Terms
from shared.db import Transaction, insert_ignore
from shared.ids import new_id

_MOST_NAME = 200
_SUFFIX = " 返现"


async def companion(tx: Transaction, book: TermsBook, cash_back: Row[Any], now: datetime) -> str:
    """The id of the template for this promise, with the terms that it promises; its row is held.

    The coupons' own face amounts say what each is worth; the amount of the terms only stands in their place.
    """
    source = (await tx.execute(select(Template.table).where(Template.c.id == cash_back.template_id))).one()
    terms = await _terms(tx, book, source, cash_back)
    found = select(Template.c.id).where(Template.c.cash_back_of == source.id)
    known = (await tx.execute(found)).one_or_none()
    if known is None:
        row = _row(source, now)
        if await insert_ignore(tx, Template.table, [row]):
            await tx.execute(insert(TemplateTerms.table), _terms_row(row["id"], 1, terms, now))
            return str(row["id"])
        known = (await tx.execute(found)).one()
    held = (await templates.lock(tx, [known.id]))[known.id]
    present = (await book.load(tx, [(held.id, held.terms_version)]))[held.id, held.terms_version].terms
    if present != terms:
        version = held.terms_version + 1
        await tx.execute(insert(TemplateTerms.table), _terms_row(held.id, version, terms, now))
        values = {"terms_version": version, "version": held.version + 1, "updated_at": now}
        await tx.execute(update(Template.table).where(Template.c.id == held.id).values(**values))
    return str(held.id)


async def _terms(tx: Transaction, book: TermsBook, source: Row[Any], cash_back: Row[Any]) -> Terms:
    """Any order, without a threshold, for so many days; paid by whoever pays for the offer that promised it."""
    key = (source.id, source.terms_version)
    funder = (await book.load(tx, [key]))[key].terms.funder
    body = {
        "benefit": {"kind": "amount_off", "amount": 1},
        "validity": {"days_after_claim": cash_back.valid_days},
        "allow_zero_pay": True,
        "funder": funder,
    }
    return Terms.model_validate(body)


def _row(source: Row[Any], now: datetime) -> dict[str, Any]:
    return {
        "id": new_id("tpl"),
        "kind": "coupon",
        "cash_back_of": source.id,
        "name": source.name[: _MOST_NAME - len(_SUFFIX)] + _SUFFIX,
        "status": "active",
        "currency": source.currency,
        "version": 1,
        "terms_version": 1,
        "visible_in_centre": False,
        "budget_on": "issue",
        "issued": 0,
        "budget_spent": 0,
        "created_at": now,
        "updated_at": now,
    }


def _terms_row(template_id: str, version: int, terms: Terms, now: datetime) -> dict[str, Any]:
    body = terms.model_dump(mode="json", by_alias=True)
    return {"template_id": template_id, "version": version, "terms": body, "created_at": now}
