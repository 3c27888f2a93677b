"""The best price within what is left of the offers' budgets. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from services.coupon.pricing.cart import Cart
from services.coupon.pricing.engine import price
from services.coupon.pricing.offers import Answer, Offer, Refusal, Use


def cost(use: Use) -> int:
    """What an order takes of the budget of an offer that it uses: what is taken off, and the cash that is promised."""
    return use.amount + (0 if use.cash_back is None else use.cash_back.amount)


def price_within(cart: Cart, offers: Sequence[Offer], left: Mapping[str, int], *, points: int = 0) -> Answer:
    """The cart's price without the offers that would take more than is `left` of their budgets, by id of the offer.

    An offer that takes too much in the best combination is left out altogether: half a coupon is no coupon.
    """
    refused: dict[str, Refusal] = {}
    while True:
        answer = price(cart, offers, points=points)
        over = {_copies(use.offer) for use in answer.uses if use.offer.id in left and cost(use) > left[use.offer.id]}
        if not over:
            return replace(answer, refused={**answer.refused, **refused}) if refused else answer
        refused |= {offer.id: Refusal.of("budget_exhausted:offer") for offer in offers if _copies(offer) in over}
        offers = [offer for offer in offers if _copies(offer) not in over]


def _copies(offer: Offer) -> tuple[str, int, int | None]:
    """What coupons have in common that take the same off."""
    return offer.template_id, offer.terms_version, offer.face_amount
