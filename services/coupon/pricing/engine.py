"""The engine's door: the best price of a cart, and the price with given offers. Pure, and the same answer every time."""

from collections.abc import Sequence

from services.coupon.pricing.best import MOST_STEPS, best
from services.coupon.pricing.cart import Cart
from services.coupon.pricing.offers import Answer, Offer, Refusal, Use
from services.coupon.pricing.rules import discount, prepare


def price(cart: Cart, offers: Sequence[Offer], *, points: int = 0, most_steps: int = MOST_STEPS) -> Answer:
    """The cart's price with the best set of these offers, and why each other offer is not in it."""
    start = tuple(line.subtotal for line in cart.lines)
    found = best([prepare(offer, cart.lines) for offer in offers], start, most_steps)
    uses = tuple(Use(one.offer, shares) for one, shares in found.chosen.uses)
    nothing = (0,) * len(start)
    return Answer(cart, uses, found.chosen.running, cart.shipping_fee, nothing, found.refused, found.exact, found.bound)


def reprice(cart: Cart, offers: Sequence[Offer], *, points: int = 0) -> Answer:
    """The cart's price with exactly these offers, in the order of application; those that take nothing are left out."""
    running = tuple(line.subtotal for line in cart.lines)
    nothing = (0,) * len(running)
    uses, refused = [], {}
    for prepared in sorted((prepare(offer, cart.lines) for offer in offers), key=lambda one: one.order):
        shares = discount(prepared, running)
        if isinstance(shares, Refusal):
            refused[prepared.offer.id] = shares
            continue
        running = tuple(now - share for now, share in zip(running, shares, strict=True))
        uses.append(Use(prepared.offer, shares))
    taken = sum(use.amount for use in uses)
    return Answer(cart, tuple(uses), running, cart.shipping_fee, nothing, refused, True, taken)
