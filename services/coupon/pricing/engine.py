"""The engine: the best price of a cart, and the price with given offers. Pure, and the same answer every time."""

from collections.abc import Sequence

from services.coupon.pricing.best import MOST_STEPS, best, excludes
from services.coupon.pricing.cart import Cart
from services.coupon.pricing.offers import Answer, Offer, Refusal
from services.coupon.pricing.rules import SHIPPING_LAYER, Compiled
from services.coupon.pricing.state import Numbers, State, less


def price(cart: Cart, offers: Sequence[Offer], *, points: int = 0, most_steps: int = MOST_STEPS) -> Answer:
    """The cart's price with the best combination of these offers, and why each other offer is not in it.

    `points` are paid as far as they go: one point is one minor unit of goods. Beyond `most_steps` the search goes on only
    until nothing can take more than 5 % more off, and no further than `best.LAST_STEPS`; `bound` says what is proven.
    """
    numbers = Numbers(cart)
    compiled = _compiled(offers, numbers)
    found = best([one for one in compiled if one.refusal is None], numbers, points, most_steps)
    return _answer(numbers, compiled, found.uses, points, found.bound)


def reprice(cart: Cart, offers: Sequence[Offer], *, points: int = 0) -> Answer:
    """The cart's price with exactly these offers, in the order of application; those that take nothing are left out."""
    numbers = Numbers(cart)
    compiled = _compiled(offers, numbers)
    useful = sorted((one for one in compiled if one.refusal is None), key=lambda one: one.order)
    return _answer(numbers, compiled, useful, points, None)


def _compiled(offers: Sequence[Offer], numbers: Numbers) -> list[Compiled]:
    """Each offer once: one that is named twice is not applied twice."""
    return [Compiled(offer, numbers) for offer in {offer.id: offer for offer in offers}.values()]


def _answer(
    numbers: Numbers, compiled: Sequence[Compiled], chosen: Sequence[Compiled], points: int, bound: int | None
) -> Answer:
    """Apply the chosen offers one after the other and tell it all."""
    state, uses, refused, paid = numbers.start, [], {}, None
    used: list[Compiled] = []
    for one in chosen:
        if paid is None and one.order[0] >= SHIPPING_LAYER:
            paid = numbers.points(state, points)
            state = less(state, paid)
        use = one.use(state)
        if isinstance(use, Refusal):
            refused[one.offer.id] = use
            continue
        state = less(state, (*use.shares, use.shipping))
        uses.append(use)
        used.append(one)
    if paid is None:
        paid = numbers.points(state, points)
        state = less(state, paid)
    refused.update((one.offer.id, _why_not(one, used, state)) for one in compiled if one not in chosen)
    taken = sum(use.amount for use in uses)
    most = taken if bound is None else bound
    return Answer(numbers.cart, tuple(uses), state[:-1], state[-1], paid[:-1], refused, most == taken, most)


def _why_not(one: Compiled, used: Sequence[Compiled], state: State) -> Refusal:
    if one.refusal is not None:
        return one.refusal
    for other in used:
        if excludes(one, other):
            return Refusal.of("excluded_by", excluded_by=other.offer.id)
    return Refusal.of("not_best") if one.take(state) is not None else one.why(state)
