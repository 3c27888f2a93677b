"""What a checkout freezes: cart and quote, its lines with their shares, one lock for each coupon that it uses. No I/O."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from services.coupon.checkout.rules import topped_up
from services.coupon.checkout.schemas import CheckoutIn
from services.coupon.pricing.budgets import cost
from services.coupon.pricing.cart import POINTS, SHIPPING
from services.coupon.pricing.offers import Answer, Use
from services.coupon.pricing.quoting import Priced
from services.coupon.pricing.schemas import CartIn
from services.coupon.templates.models import Template
from services.coupon.wallet.ledger import Change
from services.coupon.wallet.models import Coupon
from shared.ids import new_id

Json = dict[str, Any]


def checkout(body: CheckoutIn, priced: Priced, fingerprint: str, now: datetime) -> Json:
    """The row of a new checkout."""
    quote = priced.view
    return {
        "id": new_id("chk"),
        "order_id": body.order_id,
        "customer_id": body.customer_id,
        "fingerprint": fingerprint,
        "status": "locked",
        "currency": body.currency,
        "subtotal": quote.subtotal,
        "discount": quote.discount,
        "first_order": priced.first_order,
        "total": priced.answer.total,
        "points": priced.answer.points_discount,
        "quote": quote.model_dump(mode="json"),
        "cart": body.model_dump(mode="json", include=set(CartIn.model_fields)),
        "ttl_seconds": body.ttl_seconds,
        "expires_at": now + timedelta(seconds=body.ttl_seconds),
        "created_at": now,
        "updated_at": now,
    }


def budget_taken(answer: Answer, held: Mapping[str, Coupon], offers: Mapping[str, Template]) -> dict[str, int]:
    """What each used coupon takes of its template's budget beyond what it reserves.

    `offers` are the templates with limits; their rows are held, and the price kept within what is left of them.
    """
    found = {}
    for use in coupons(answer):
        offer = offers.get(use.offer.template_id)
        budgeted = offer is not None and offer.budget is not None
        found[use.offer.id] = topped_up(cost(use), held[use.offer.id].reserved, budgeted)
    return found


def coupons(answer: Answer) -> list[Use]:
    """The uses of coupons."""
    return [use for use in answer.uses if not use.offer.automatic]


def promotions(answer: Answer) -> list[Use]:
    """The uses of promotions."""
    return [use for use in answer.uses if use.offer.automatic]


def changes(
    row: Json, answer: Answer, held: Mapping[str, Coupon], taken: Mapping[str, int], actor: str
) -> list[Change]:
    """What happens to the coupons, whose rows are `held`."""
    return [
        Change(
            before=held[use.offer.id],
            event="locked",
            to_status="locked",
            reason=f"order {row['order_id']}",
            actor=actor,
            checkout_id=row["id"],
            amount=use.amount,
            budget_change=taken[use.offer.id],
            lock_token=held[use.offer.id].lock_token + 1,
            locked_until=row["expires_at"],
        )
        for use in coupons(answer)
    ]


def locks(row: Json, answer: Answer, held: Mapping[str, Coupon], taken: Mapping[str, int]) -> list[Json]:
    """The lock of each coupon, with the next fencing token."""
    return [
        {
            "checkout_id": row["id"],
            "coupon_id": use.offer.id,
            "template_id": use.offer.template_id,
            "token": held[use.offer.id].lock_token + 1,
            "amount": use.amount,
            "cash_back": cost(use) - use.amount,
            "budget_taken": taken[use.offer.id],
            "state": "live",
        }
        for use in coupons(answer)
    ]


def lines(row: Json, priced: Priced) -> list[Json]:
    """The lines that are checked out, those that offers add at price 0, and the shipping fee as the last one."""
    answer = priced.answer
    taken = [sum(column) for column in zip(*(use.shares for use in answer.uses), strict=True)]
    sold: list[Json] = [
        {
            "line_id": line.line_id,
            "kind": "goods",
            "source": None,
            "unit_price": line.unit_price,
            "quantity": line.quantity,
            "discount": taken[index] if taken else 0,
            "points": answer.points[index],
        }
        for index, line in enumerate(answer.cart.lines)
    ]
    names = {line["line_id"] for line in sold}
    sold += [
        {
            "line_id": extra.line_id,
            "kind": "gift",
            "source": extra.source,
            "unit_price": 0,
            "quantity": extra.quantity,
            "discount": 0,
            "points": 0,
        }
        for extra in priced.view.lines
        if extra.kind != "item" and extra.line_id not in names
    ]
    if answer.cart.shipping_fee:
        fee = {"unit_price": answer.cart.shipping_fee, "quantity": 1, "discount": answer.shipping_discount, "points": 0}
        sold.append({"line_id": SHIPPING, "kind": "shipping", "source": None, **fee})
    return [{"checkout_id": row["id"], "position": at, **line, "returned": 0} for at, line in enumerate(sold)]


def shares(row: Json, answer: Answer) -> list[Json]:
    """What each offer and the points take off each line and the shipping fee."""
    names = [line.line_id for line in answer.cart.lines]
    found = []
    for use in answer.uses:
        terms = use.offer.terms
        more = {"source": use.offer.id, "layer": terms.stacking.layer, "funder": terms.funder}
        amounts = zip([*names, SHIPPING], [*use.shares, use.shipping], strict=True)
        found += [{"line_id": name, "amount": amount, **more} for name, amount in amounts if amount]
    points = {"source": POINTS, "layer": "points", "funder": "customer"}
    paid = zip(names, answer.points, strict=True)
    found += [{"line_id": name, "amount": amount, **points} for name, amount in paid if amount]
    return [{"checkout_id": row["id"], **share} for share in found]
