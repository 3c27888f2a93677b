"""From the engine's answer to what clients see. No I/O."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import partial
from types import MappingProxyType

from services.coupon.pricing import schemas
from services.coupon.pricing.candidates import Candidate
from services.coupon.pricing.cart import Line
from services.coupon.pricing.offers import Answer, ExtraLine, Refusal, Use
from services.coupon.pricing.schemas import NextStepView, QuoteView
from services.coupon.reasons import explain
from services.coupon.templates.validity import FOREVER

_UNINTERESTING = frozenset(("out_of_scope", "no_effect"))
"""A promotion for other goods than the cart's is no news to its customer; a coupon of their own is."""


def quote_view(
    answer: Answer,
    candidates: Mapping[str, Candidate],
    refused: Mapping[str, Refusal],
    server_time: datetime,
    drafts: Collection[str] = (),
    typed: Mapping[str, str] = MappingProxyType({}),
) -> QuoteView:
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
    return QuoteView(
        server_time=server_time,
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
        cash_back=tuple(
            schemas.PromisedCashBackView(source=one.source, amount=one.amount, valid_days=one.valid_days)
            for one in answer.cash_back
        ),
        next_step=_nearest(applied, rejected, cart.currency),
        search="exact" if answer.exact else "bounded",
        best_possible_discount=answer.bound,
    )


def _line(line: Line, index: int, answer: Answer) -> schemas.LineView:
    shares = [
        schemas.LineDiscount(source=use.offer.id, amount=use.shares[index]) for use in answer.uses if use.shares[index]
    ]
    return schemas.LineView(
        line_id=line.line_id,
        quantity=line.quantity,
        subtotal=line.subtotal,
        discount=sum(share.amount for share in shares),
        points_discount=answer.points[index],
        total=answer.running[index],
        discounts=shares,
    )


def _extra(extra: ExtraLine, number: int) -> schemas.LineView:
    return schemas.LineView(
        line_id=f"{extra.source}:{number}",
        kind="gift" if extra.product_id is None else "exchange",
        source=extra.source,
        sku=extra.sku,
        product_id=extra.product_id,
        quantity=extra.quantity,
        subtotal=0,
        discount=0,
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


def _applied(use: Use, candidate: Candidate, called: dict[str, str | None], currency: str) -> schemas.AppliedView:
    step = use.next_step
    return schemas.AppliedView.model_validate(
        {
            **called,
            "name": candidate.name,
            "layer": candidate.terms.stacking.layer,
            "amount": use.amount,
            "valid_until": _until(candidate),
            "next_step": None
            if step is None
            else _next_step(step.missing_amount, step.missing_quantity, step.would_take_off, currency),
        }
    )


def _rejected(candidate: Candidate | None, refusal: Refusal, called: dict[str, str | None]) -> schemas.RejectedView:
    return schemas.RejectedView.model_validate(
        {
            **called,
            "name": candidate and candidate.name,
            **dict(_unmet(refusal)),
            "unmet": [_unmet(one) for one in refusal.unmet] or None,
            "excluded_by": refusal.excluded_by,
            "valid_until": candidate and _until(candidate),
        }
    )


def _unmet(refusal: Refusal) -> schemas.UnmetView:
    return schemas.UnmetView(**{name: getattr(refusal, name) for name in schemas.UnmetView.model_fields})


def _until(candidate: Candidate) -> datetime | None:
    return None if candidate.valid_until == FOREVER else candidate.valid_until


def _next_step(amount: int | None, quantity: int | None, would_take_off: int | None, currency: str) -> NextStepView:
    """What to add 凑单, said in words: goods for an amount, or units, or (for an offer that is not used yet) both."""
    missing = {"missing_amount": amount, "missing_quantity": quantity, "take_off_amount": would_take_off}
    kind = "quantity" if amount is None else "amount" if quantity is None else "both"
    key = f"next_step:{kind}" if would_take_off is None else f"next_step:{kind}_for"
    values = {name: value for name, value in missing.items() if value is not None}
    reason = explain(key, currency=currency, **values)
    return NextStepView(
        missing_amount=amount,
        missing_quantity=quantity,
        would_take_off=would_take_off,
        detail=reason.detail,
        detail_zh=reason.detail_zh,
    )


def _nearest(
    applied: Sequence[schemas.AppliedView], rejected: Sequence[schemas.RejectedView], currency: str
) -> schemas.NudgeView | None:
    """The step that asks for least: money before pieces."""
    steps = [
        (one, _next_step(one.missing_amount, one.missing_quantity, None, currency))
        for one in rejected
        if one.code == "below_threshold"
    ] + [(use, use.next_step) for use in applied if use.next_step is not None]
    if not steps:
        return None
    offer, step = min(
        steps, key=lambda one: (one[1].missing_amount is None, one[1].missing_amount or one[1].missing_quantity)
    )
    return schemas.NudgeView(**{name: getattr(offer, name) for name in schemas.Named.model_fields}, **dict(step))
