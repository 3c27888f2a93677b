"""Whether a new offer and live ones together give orders away 叠加免单, as far as their terms alone say so. Pure.

The worst carts are derived from the offers' terms (`stack_goods`, `stack_carts`) and priced by the engine with all offers
that one order could use. Where the goods come to nothing, and would not without the new offer, the marketer has to say
that this is meant (`allow_zero_pay`); offers that say so are left aside.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from services.coupon.pricing.cart import Cart, Line
from services.coupon.pricing.engine import price, reprice
from services.coupon.pricing.occasions import LiveOffer, occasions
from services.coupon.pricing.offers import Offer
from services.coupon.pricing.small_orders import is_small
from services.coupon.pricing.stack_carts import carts
from services.coupon.pricing.stack_goods import meeting
from services.coupon.pricing.strengths import GOODS, Strength, strength
from services.coupon.templates.rules import Fault
from services.coupon.templates.validity import FOREVER
from shared.money import format_money

MOST_WORK = 2_500
"""Offers that carts are priced with, counted for each cart: some tens of milliseconds."""
_MOST_SEARCHED = 8
_SHOWN = 3
_EARLY = datetime(2000, 1, 1, tzinfo=UTC)
_NAMES = ("product_id", "sku", "shop_id", "category", "brand")


@dataclass(frozen=True, slots=True)
class GivenAway:
    """Live offers that make a cart free together with the new one. No cart where the work was too much to tell."""

    offers: tuple[LiveOffer, ...]
    cart: Cart | None


def strengths(live: Sequence[LiveOffer]) -> dict[str, Strength]:
    """By id, those of the live offers that the guard looks at."""
    return {one.id: strength(as_offer(one)) for one in live if _counts(one)}


def stack_fault(
    new: LiveOffer,
    live: Sequence[LiveOffer],
    now: datetime,
    currency: str,
    most_work: int = MOST_WORK,
    known: Mapping[str, Strength] | None = None,
) -> Fault | None:
    """What speaks against a new offer beside the live ones; None when nothing does. `known` are their `strengths`."""
    found = given_away(new, live, now, most_work, known)
    if found is None:
        return None
    names = ", ".join(f"{one.name} ({one.id})" for one in found.offers[:_SHOWN])
    more = f" and {len(found.offers) - _SHOWN} more" if len(found.offers) > _SHOWN else ""
    if found.cart is None:
        detail = (
            f"Too many offers could be used with this one to tell whether an order would be free: {names}{more}. Put them into "
            "exclusion groups, or set allow_zero_pay to true."
        )
    else:
        example = " + ".join(
            f"{line.quantity} × {format_money(line.unit_price, currency)}" for line in found.cart.lines
        )
        detail = (
            f"An order of {example} would be free with this offer and {names}{more}. Put them into one exclusion group, raise "
            "a threshold, bound the price of the goods, or set allow_zero_pay to true."
        )
    lines = () if found.cart is None else tuple(_told(line) for line in found.cart.lines)
    return Fault("#/benefit", "stack_zero_pay", detail, tuple(one.id for one in found.offers), lines)


def given_away(
    new: LiveOffer,
    live: Sequence[LiveOffer],
    now: datetime,
    most_work: int = MOST_WORK,
    known: Mapping[str, Strength] | None = None,
) -> GivenAway | None:
    """The smallest stack found that makes an order free by mistake, with that order."""
    if not _counts(new):
        return None
    known = strengths(live) if known is None else known
    guard = _Guard(strength(as_offer(new)), most_work)
    for partners in occasions(new.terms, [one for one in live if one.id in known], now):
        found = guard.look([known[one.id] for one in partners])
        if found is not None:
            ids, cart = found
            return GivenAway(tuple(one for one in partners if one.id in ids), cart)
    return None


class _Guard:
    """Prices the carts of a new offer, as long as the work lasts."""

    def __init__(self, new: Strength, most_work: int) -> None:
        self._new = new
        self._work_left = most_work
        self._free_anyway = False

    def look(self, others: Sequence[Strength]) -> tuple[set[str], Cart | None] | None:
        """The live offers of a stack that makes a cart free, and that cart; None when there is none.

        Where live ones alone give carts away, and the work ends before anything else is found, the new one is not to blame.
        """
        for some in meeting(self._new, others):
            offers = list({one.offer.id: one for part in some for one in part.offers}.values())
            for cart in carts(some):
                if self._work_left < 0:
                    return None if self._free_anyway else ({one.offer.template_id for one in offers[1:]}, None)
                stack = self._stack(cart, offers)
                if stack is not None:
                    return {offer.template_id for offer in stack}, cart
        return None

    def _stack(self, cart: Cart, offers: Sequence[Strength]) -> list[Offer] | None:
        """The offers beside the new one that are needed to make the cart free, where that is nobody's intention."""
        new, all_of_them = self._new.offer, [one.offer for one in offers]
        stack = _at_once(cart, offers)
        free = self._free(cart, stack)
        if new not in stack:
            self._free_anyway |= free
            return None
        if not free:
            stack = self._best(cart, all_of_them)
        if new not in stack or self._free(cart, [new]) or is_small(cart, all_of_them):
            return None
        others = [one for one in offers if one.offer is not new]
        if self._free(cart, _at_once(cart, others)) or self._best(cart, [one.offer for one in others]):
            self._free_anyway = True
            return None
        return self._needed(cart, [offer for offer in stack if offer is not new])

    def _best(self, cart: Cart, offers: Sequence[Offer]) -> list[Offer]:
        """The engine's own choice, where it makes the cart free; with many offers a search costs too much."""
        if len(offers) > _MOST_SEARCHED:
            return []
        self._work_left -= 2 * len(offers)
        answer = price(cart, offers)
        return [] if any(answer.running) else [use.offer for use in answer.uses]

    def _needed(self, cart: Cart, others: list[Offer]) -> list[Offer]:
        """As few of them as will do: first the half that takes most, as long as that is enough, then each for itself."""
        new = self._new.offer
        others.sort(key=lambda one: -sum(use.amount for use in reprice(cart, [one]).uses))
        while len(others) > 1 and self._free(cart, [new, *others[: len(others) // 2]]):
            others = others[: len(others) // 2]
        for one in others[::-1] if len(others) <= _MOST_SEARCHED else ():
            fewer = [offer for offer in others if offer is not one]
            if self._free(cart, [new, *fewer]):
                others = fewer
        return others

    def _free(self, cart: Cart, offers: Sequence[Offer]) -> bool:
        self._work_left -= 2 + len(offers)
        return not any(reprice(cart, offers).running)


def _at_once(cart: Cart, offers: Sequence[Strength]) -> list[Offer]:
    """Offers that one order may use: of those that exclude each other the one that may take most of the cart."""
    units = sum(line.quantity for line in cart.lines)
    best: dict[str, tuple[float, Offer]] = {}
    for one in offers:
        if one.amount <= cart.subtotal and one.units <= units:
            most = one.takes(cart.subtotal, units)
            if most > best.get(one.key, (0, one.offer))[0]:
                best[one.key] = most, one.offer
    return [offer for _, offer in best.values()]


def _counts(one: LiveOffer) -> bool:
    return isinstance(one.terms.benefit, GOODS) and not one.terms.allow_zero_pay


def as_offer(one: LiveOffer) -> Offer:
    """As the engine may come to see it: when a coupon ends, which decides of equal ranks, depends on its claim where days after
    that count. Portions of what is left take most when they come first."""
    validity = one.terms.validity
    first = one.terms.stacking.calculation == "sequential"
    ends = validity.until or FOREVER
    if one.automatic:
        return Offer(one.id, one.id, one.terms, ends, automatic=True)
    if validity.days_after_claim is not None and first:
        ends = _EARLY
    return Offer(f"{'c0' if first else 'c1'}{one.id}", one.id, one.terms, ends)


def _told(line: Line) -> dict[str, Any]:
    names = {name: value for name in _NAMES if (value := getattr(line, name)) is not None}
    tags = {"tags": sorted(line.tags)} if line.tags else {}
    return {"line_id": line.line_id, "quantity": line.quantity, "unit_price": line.unit_price, **names, **tags}
