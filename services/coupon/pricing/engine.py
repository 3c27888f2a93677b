"""The engine: the best price of a cart, and the price with given offers. Pure, and the same answer every time.

Before the best combination is searched, offers lose by priority 按优先级选择: one whose `stacking.choice` is `priority` goes
before every offer that it excludes and that ranks lower, however much that one would take off. It does so where its own
conditions are met. Between equal ranks, and where the higher one says `best`, the price decides.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from operator import sub

from services.coupon.pricing.best import MOST_STEPS, Best, best, excludes
from services.coupon.pricing.cart import Cart
from services.coupon.pricing.offers import Answer, Offer, Refusal, Shares
from services.coupon.pricing.rules import SHIPPING_LAYER, Compiled
from services.coupon.pricing.state import Numbers, State, Taken, after
from services.coupon.templates.benefits import AmountOff, PercentOff


def price(cart: Cart, offers: Sequence[Offer], *, points: int = 0, most_steps: int = MOST_STEPS) -> Answer:
    """The cart's price with the best combination of these offers that their priorities allow, and why each other offer is not
    in it.

    `points` are paid as far as they go: one point is one minor unit of goods. Beyond `most_steps` the search goes on only
    until nothing can take more than 5 % more off, and no further than `best.LAST_STEPS`; large carts have fewer of both.
    `bound` says what is proven.
    """
    numbers, compiled = _compiled(cart, offers)
    found, lost = _choose([one for one in compiled if one.refusal is None], numbers, points, most_steps)
    answer = _answer(numbers, compiled, found.uses, points, found.bound)
    behind = {one: Refusal.of("excluded_by:priority", excluded_by=other.offer.id) for one, other in lost.items()}
    return replace(answer, refused={**answer.refused, **behind}) if behind else answer


def reprice(cart: Cart, offers: Sequence[Offer], *, points: int = 0) -> Answer:
    """The cart's price with exactly these offers, in the order of application; those that take nothing are left out."""
    numbers, compiled = _compiled(cart, offers)
    useful = sorted((one for one in compiled if one.refusal is None), key=lambda one: one.order)
    return _answer(numbers, compiled, useful, points, None)


def lacking(cart: Cart, offers: Sequence[Offer]) -> dict[str, tuple[Refusal, ...]]:
    """By the offer's id, the conditions that this cart does not meet even before anything is taken off it."""
    _, compiled = _compiled(cart, offers)
    return {one.offer.id: one.refusal.unmet for one in compiled if one.refusal is not None}


def by_line(offer: Offer) -> bool:
    """True when what the offer gives depends on how a cart is cut into lines."""
    benefit = offer.terms.benefit
    return isinstance(benefit, AmountOff | PercentOff) and benefit.per == "line"


def _compiled(cart: Cart, offers: Sequence[Offer]) -> tuple[Numbers, list[Compiled]]:
    """Each offer once: one that is named twice is not applied twice."""
    numbers = Numbers(cart, by_line=any(by_line(offer) for offer in offers))
    return numbers, [Compiled(offer, numbers) for offer in {offer.id: offer for offer in offers}.values()]


def _answer(
    numbers: Numbers, compiled: Sequence[Compiled], chosen: Sequence[Compiled], points: int, bound: int | None
) -> Answer:
    """Apply the chosen offers one after the other and tell it all."""
    state, uses, refused = numbers.start, [], {}
    left = numbers.by_line(state)
    used: list[Compiled] = []
    paid: Shares | None = None

    def take(taken: Taken) -> Shares:
        """Take it off; answers what that is of each line."""
        nonlocal state, left
        state = after(state, taken)
        before, left = left, numbers.by_line(state)
        return tuple(map(sub, before, left))

    for one in chosen:
        if paid is None and one.order[0] >= SHIPPING_LAYER:
            paid = take(numbers.points(state, points))
        found = one.found(state)
        if found is None:
            refused[one.offer.id] = one.why(state)
            continue
        uses.append(one.told(take(found[0]), *found))
        used.append(one)
    if paid is None:
        paid = take(numbers.points(state, points))
    refused.update((one.offer.id, _why_not(one, used, state)) for one in compiled if one not in chosen)
    total = sum(use.amount for use in uses)
    most = total if bound is None else bound
    return Answer(numbers.cart, tuple(uses), left, state.left[-1], paid, refused, most == total, most)


def _why_not(one: Compiled, used: Sequence[Compiled], state: State) -> Refusal:
    if one.refusal is not None:
        return one.refusal
    for other in used:
        if excludes(one, other):
            return Refusal.of("excluded_by", excluded_by=other.offer.id)
    return Refusal.of("not_best") if one.take(state) is not None else one.why(state)


def _choose(
    offers: Sequence[Compiled], numbers: Numbers, points: int, most_steps: int
) -> tuple[Best, dict[str, Compiled]]:
    """The best combination of offers that can take something off, without those that lose by priority; and to whom they lost.

    An offer that beats others and is then not used itself (it lost to an equal, or a discount before it undid its threshold)
    is passed over: it beats nobody any more, and those that lost to it are in again.
    """
    passed_over: set[str] = set()
    while True:
        lost = _lost(offers, passed_over)
        found = best([one for one in offers if one.offer.id not in lost], numbers, points, most_steps)
        used = {one.offer.id for one in found.uses}
        idle = {one.offer.id for one in lost.values()} - used
        if not idle:
            return found, lost
        passed_over |= idle


def _lost(offers: Sequence[Compiled], passed_over: Collection[str]) -> dict[str, Compiled]:
    """By id, to whom an offer loses. From the highest rank down; who has lost beats nobody."""
    lost: dict[str, Compiled] = {}
    insisting = [one for one in offers if one.insists and one.offer.id not in passed_over]
    for one in sorted(insisting, key=lambda one: (-one.priority, one.offer.id)):
        if one.offer.id not in lost:
            for other in offers:
                if other.priority < one.priority and other.offer.id not in lost and excludes(one, other):
                    lost[other.offer.id] = one
    return lost
