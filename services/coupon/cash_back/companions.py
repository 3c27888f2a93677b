"""The template of the coupons that cash-back is given as: one for each offer that promises it, made when first needed."""

from datetime import datetime
from typing import Any

from services.coupon.cash_back import repository
from services.coupon.cash_back.models import CashBackPromise
from services.coupon.templates import repository as templates
from services.coupon.templates.cache import TermsCache
from services.coupon.templates.models import Template
from services.coupon.templates.terms import Terms
from shared.db import Transaction
from shared.ids import new_id

_MOST_NAME = 200
_SUFFIX = " 返现"


async def companion(tx: Transaction, terms_cache: TermsCache, promise: CashBackPromise, now: datetime) -> str:
    """The id of the template for this promise, with the terms that it promises; its row is held.

    The coupons' own face amounts say what each is worth; the amount of the terms only stands in their place.
    """
    source = await repository.source_of(tx, promise)
    terms = await _terms(tx, terms_cache, source, promise)
    known = await repository.companion_of(tx, source.id)
    if known is None:
        row = _row(source, now)
        if await repository.insert_companion(tx, row, _terms_row(row["id"], 1, terms, now)):
            return str(row["id"])
        known = await repository.companion_of(tx, source.id)
    assert known is not None  # noqa: S101 - somebody else made it just now
    locked = (await templates.lock(tx, [known]))[known]
    present = (await terms_cache.load(tx, [(locked.id, locked.terms_version)]))[locked.id, locked.terms_version].terms
    if present != terms:
        await repository.renew_terms(tx, locked, _terms_row(locked.id, locked.terms_version + 1, terms, now), now)
    return locked.id


async def _terms(tx: Transaction, terms_cache: TermsCache, source: Template, promise: CashBackPromise) -> Terms:
    """Any order, without a threshold, for so many days; paid by whoever pays for the offer that promised it."""
    key = (source.id, source.terms_version)
    funder = (await terms_cache.load(tx, [key]))[key].terms.funder
    body = {
        "benefit": {"kind": "amount_off", "amount": 1},
        "validity": {"days_after_claim": promise.valid_days},
        "allow_zero_pay": True,
        "funder": funder,
    }
    return Terms.model_validate(body)


def _row(source: Template, now: datetime) -> dict[str, Any]:
    return {
        "id": new_id("tpl"),
        "owner_id": source.owner_id,
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
