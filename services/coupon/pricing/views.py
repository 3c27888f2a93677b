"""From the engine's answer to what clients see, as the JSON that it becomes: `schemas.QuoteView` says what is in it. No I/O.

Every look at a cart makes one: a model for each share of each line would take longer than the search for its price.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import Any

from services.coupon.pricing.candidates import Candidate
from services.coupon.pricing.cart import Line
from services.coupon.pricing.offers import Answer, ExtraLine, Refusal, Use
from services.coupon.pricing.schemas import Named, UnmetView
from services.coupon.reasons import explain
from services.coupon.templates.validity import FOREVER
from shared.web.schemas import rfc3339

Json = dict[str, Any]
_UNINTERESTING = frozenset(("out_of_scope", "no_effect"))
"""A promotion for other goods than the cart's is no news to its customer; a coupon of their own is."""
_NAMED, _UNMET = tuple(Named.model_fields), tuple(UnmetView.model_fields)


def quote_json(
    answer: Answer,
    candidates: Mapping[str, Candidate],
    refused: Mapping[str, Refusal],
    server_time: datetime,
    drafts: Collection[str] = (),
    typed: Mapping[str, str] = MappingProxyType({}),
) -> Json:
    """The quote. `refused` has the reasons in the order that they are shown in; `drafts` are the ids that are refs, `typed`
    the codes of ids that stand for a code."""
    called = partial(_name, candidates, drafts, typed)
    cart = answer.cart
    applied = [_applied(use, candidates[use.offer.id], called(use.offer.id), cart.currency) for use in answer.uses]
    rejected = [
        _rejected(candidates.get(one), refusal, called(one))
        for one, refusal in refused.items()
        if one in drafts or not ((known := candidates.get(one)) and known.automatic and refusal.code in _UNINTERESTING)
    ]
    return _told(
        server_time=rfc3339(server_time),
        currency=cart.currency,
        subtotal=cart.subtotal,
        discount=answer.discount,
        points_discount=answer.points_discount,
        shipping_fee=cart.shipping_fee,
        shipping_discount=answer.shipping_discount,
        total=answer.total,
        lines=[
            *(_line(line, index, answer) for index, line in enumerate(cart.lines)),
            *(_extra(extra, number) for number, extra in enumerate(answer.extra_lines, 1)),
        ],
        applied=applied,
        rejected=rejected,
        cash_back=[
            {"source": one.source, "amount": one.amount, "valid_days": one.valid_days} for one in answer.cash_back
        ],
        next_step=_nearest(applied, rejected, cart.currency),
        search="exact" if answer.exact else "bounded",
        best_possible_discount=answer.bound,
    )


def _told(**fields: Any) -> Json:
    """What there is to tell: nothing is left out of an answer but what is not there."""
    return {name: value for name, value in fields.items() if value is not None}


def _line(line: Line, index: int, answer: Answer) -> Json:
    shares = [{"source": use.offer.id, "amount": use.shares[index]} for use in answer.uses if use.shares[index]]
    return {
        "line_id": line.line_id,
        "kind": "item",
        "quantity": line.quantity,
        "subtotal": line.subtotal,
        "discount": sum(use.shares[index] for use in answer.uses),
        "points_discount": answer.points[index],
        "total": answer.running[index],
        "discounts": shares,
    }


def _extra(extra: ExtraLine, number: int) -> Json:
    return _told(
        line_id=f"{extra.source}:{number}",
        kind="gift" if extra.product_id is None else "exchange",
        source=extra.source,
        sku=extra.sku,
        product_id=extra.product_id,
        quantity=extra.quantity,
        subtotal=0,
        discount=0,
        points_discount=0,
        total=0,
        discounts=[],
    )


def _name(
    candidates: Mapping[str, Candidate], drafts: Collection[str], typed: Mapping[str, str], one: str
) -> dict[str, str | None]:
    """How an offer is called in the answer, and what it belongs to."""
    if one in typed:
        return {"redeem_code": typed[one], "template_id": candidates[one].template_id if one in candidates else None}
    known = candidates.get(one)
    if drafts and (known is None or one in drafts):
        return {"ref": one}
    if known is not None and known.automatic:
        return {"promotion_id": one}
    return {"coupon_id": one, "template_id": None if known is None else known.template_id}


def _applied(use: Use, candidate: Candidate, called: dict[str, str | None], currency: str) -> Json:
    step = use.next_step
    return _told(
        **called,
        name=candidate.name,
        layer=candidate.terms.stacking.layer,
        amount=use.amount,
        valid_until=_until(candidate),
        next_step=step and _next_step(step.missing_amount, step.missing_quantity, step.would_take_off, currency),
    )


def _rejected(candidate: Candidate | None, refusal: Refusal, called: dict[str, str | None]) -> Json:
    return _told(
        **called,
        name=candidate and candidate.name,
        **_unmet(refusal),
        unmet=[_unmet(one) for one in refusal.unmet] or None,
        excluded_by=refusal.excluded_by,
        valid_until=candidate and _until(candidate),
    )


def _unmet(refusal: Refusal) -> Json:
    return _told(**{name: getattr(refusal, name) for name in _UNMET})


def _until(candidate: Candidate) -> str | None:
    return None if candidate.valid_until == FOREVER else rfc3339(candidate.valid_until)


def _next_step(amount: int | None, quantity: int | None, would_take_off: int | None, currency: str) -> Json:
    """What to add 凑单, said in words: goods for an amount, or units, or (for an offer that is not used yet) both."""
    missing = _told(missing_amount=amount, missing_quantity=quantity)
    kind = "quantity" if amount is None else "amount" if quantity is None else "both"
    if would_take_off is None:
        reason = explain(f"next_step:{kind}", currency=currency, **missing)
    else:
        reason = explain(f"next_step:{kind}_for", currency=currency, take_off_amount=would_take_off, **missing)
    words = _told(would_take_off=would_take_off, detail=reason.detail, detail_zh=reason.detail_zh)
    return {**missing, **words}


def _nearest(applied: Sequence[Json], rejected: Sequence[Json], currency: str) -> Json | None:
    """The step that asks for least: money before pieces."""
    steps = [(one, one) for one in rejected if one["code"] == "below_threshold"]
    steps += [(use, use["next_step"]) for use in applied if "next_step" in use]
    if not steps:
        return None
    offer, step = min(steps, key=_asked)
    if step is offer:  # not used yet: it has no step of its own
        step = _next_step(offer.get("missing_amount"), offer.get("missing_quantity"), None, currency)
    return {**{name: offer[name] for name in _NAMED if name in offer}, **step}


def _asked(one: tuple[Json, Json]) -> tuple[bool, int]:
    amount = one[1].get("missing_amount")
    return amount is None, amount or one[1]["missing_quantity"]
