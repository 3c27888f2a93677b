"""Small orders that are meant to be free 无门槛: a voucher without a threshold may pay them whole. Pure."""

from collections.abc import Sequence

from services.coupon.pricing.cart import Cart
from services.coupon.pricing.engine import price
from services.coupon.pricing.offers import Offer
from services.coupon.templates.benefits import AmountOff, Every, Exchange, Ladder
from services.coupon.templates.terms import Terms


def pays_small_orders(terms: Terms) -> bool:
    """True for what is meant to pay small orders or cheap goods whole: money off that asks for no amount 无门槛, or is given by
    the unit or line, and goods that are given for a voucher 兑换券."""
    benefit = terms.benefit
    if isinstance(benefit, AmountOff):
        return benefit.per != "order" or terms.threshold.amount is None
    if isinstance(benefit, Every):
        return benefit.by == "quantity"
    if isinstance(benefit, Ladder):
        return benefit.by == "quantity" and not benefit.percentage and terms.threshold.amount is None
    return isinstance(benefit, Exchange)


def is_small(cart: Cart, offers: Sequence[Offer]) -> bool:
    """True for an order that is meant to be free: what pays small orders pays half of it or more (but for `rounding`), and no
    offer is needed that asks for a larger amount than those pay."""
    paying = [offer for offer in offers if pays_small_orders(offer.terms)]
    paid = price(cart, paying).discount if paying else 0
    units = sum(line.quantity for line in cart.lines)
    if not paid or 2 * paid + rounding(len(offers), units) < cart.subtotal:
        return False
    modest = [offer for offer in offers if asked_of(offer.terms, cart.subtotal) <= paid]
    return not any(price(cart, modest).running)


def rounding(offers: int, units: int) -> int:
    """Twice what so many offers may take off so many units beyond their portions, as each rounds half up."""
    return offers * units


def asked_of(terms: Terms, reached: int) -> int:
    """The amount that an offer asks for, of those that are reached; 0 for what pays small orders anyway."""
    return 0 if pays_small_orders(terms) else max((amount for amount in steps(terms) if amount <= reached), default=0)


def steps(terms: Terms) -> set[int]:
    """The amounts that an offer asks for: of itself, and for each step of its benefit."""
    benefit, found = terms.benefit, {terms.threshold.amount or 0}
    if isinstance(benefit, Ladder) and benefit.by == "amount":
        found |= {step.threshold for step in benefit.steps}
    if isinstance(benefit, Every) and benefit.by == "amount":
        found.add(benefit.threshold)
    return found
