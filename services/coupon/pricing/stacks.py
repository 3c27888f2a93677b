"""Whether a new offer and a live one together give orders away 叠加免单, as far as their terms alone say so. Pure.

The worst realistic cart is the smallest that satisfies both: one line that both offers are for, at the price where the
thresholds are just reached. Where each alone leaves something to pay and both together leave nothing, the marketer has
to say that this is meant (`allow_zero_pay`). What depends on the goods (bundles, gifts, fixed prices) is left to the
preview, which has a cart to look at.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from services.coupon.pricing.cart import Cart, Line
from services.coupon.pricing.engine import price
from services.coupon.pricing.offers import Offer
from services.coupon.templates.benefits import WHOLE, AmountOff, Every, Ladder, PercentOff
from services.coupon.templates.rules import Fault, OfferKind
from services.coupon.templates.scopes import LineFilter
from services.coupon.templates.terms import Scope, Terms
from services.coupon.templates.validity import FOREVER

_SHOWN = 3
_DECIDABLE = (AmountOff, PercentOff, Ladder, Every)


@dataclass(frozen=True, slots=True)
class LiveOffer:
    """An offer that is active now."""

    id: str
    name: str
    terms: Terms
    automatic: bool


def gives_away(terms: Terms, automatic: bool, live: Sequence[LiveOffer]) -> list[LiveOffer]:
    """The live offers with which such a new offer would make an order free, though neither does alone."""
    if terms.allow_zero_pay or not isinstance(terms.benefit, _DECIDABLE):
        return []
    return [other for other in live if _may_meet(terms, other.terms) and _free_together(terms, automatic, other)]


def stack_fault(terms: Terms, kind: OfferKind, live: Sequence[LiveOffer]) -> Fault | None:
    """What speaks against a new offer beside the live ones; None when nothing does."""
    partners = gives_away(terms, kind == "promotion", live)
    if not partners:
        return None
    names = ", ".join(f"{one.name} ({one.id})" for one in partners[:_SHOWN])
    more = f" and {len(partners) - _SHOWN} more" if len(partners) > _SHOWN else ""
    detail = (
        f"An order would be free with this offer and {names}{more}. Put them into one exclusion group, raise the threshold, "
        "or set allow_zero_pay to true."
    )
    return Fault("#/benefit", "stack_zero_pay", detail, tuple(one.id for one in partners))


def _may_meet(one: Terms, other: Terms) -> bool:
    """Whether one order can use both, as far as this is plain to see."""
    if other.allow_zero_pay or not isinstance(other.benefit, _DECIDABLE):
        return False
    if one.stacking.exclusive or other.stacking.exclusive:
        return False
    if one.stacking.group is not None and one.stacking.group == other.stacking.group:
        return False
    return _overlap(one.scope.channels, other.scope.channels) and _same_time(one, other) and _same_goods(one, other)


def _overlap(some: Sequence[str], others: Sequence[str]) -> bool:
    """Named sets that share a member; nothing named is everything."""
    return not some or not others or not set(some).isdisjoint(others)


def _same_time(one: Terms, other: Terms) -> bool:
    def window(terms: Terms) -> tuple[datetime | None, datetime]:
        return terms.validity.from_, terms.validity.until or FOREVER

    (starts, ends), (other_starts, other_ends) = window(one), window(other)
    return (other_starts is None or other_starts < ends) and (starts is None or starts < other_ends)


def _same_goods(one: Terms, other: Terms) -> bool:
    mine, theirs = one.scope.include, other.scope.include
    return all(_overlap(getattr(mine, name), getattr(theirs, name)) for name in ("categories", "brands", "shops"))


def _free_together(terms: Terms, automatic: bool, other: LiveOffer) -> bool:
    mine, theirs = _anywhere("b", terms, automatic), _anywhere("c", other.terms, other.automatic)
    first = replace(theirs, id="a", template_id="a")  # of equal rank the one that ends first is applied first
    for cart in _worst_carts(terms, other.terms):
        if _at_most(terms, cart) + _at_most(other.terms, cart) < cart.subtotal:
            continue  # mostly: no need to ask the engine
        together = _free(cart, [mine, theirs]) or _free(cart, [mine, first])
        if together and not _free(cart, [mine]) and not _free(cart, [theirs]):
            return True
    return False


def _free(cart: Cart, offers: Sequence[Offer]) -> bool:
    return not any(price(cart, offers).running)


def _at_most(terms: Terms, cart: Cart) -> int:
    """No less than what the offer takes off the cart of one line."""
    benefit, units, amount = terms.benefit, cart.lines[0].quantity, cart.subtotal
    if isinstance(benefit, AmountOff):
        return benefit.amount * (units if benefit.per == "unit" else 1)
    if isinstance(benefit, PercentOff):
        return min(benefit.max_amount or amount, -(-amount * benefit.percent_bp // WHOLE) + units)
    if isinstance(benefit, Every):
        return (amount if benefit.by == "amount" else units) // benefit.threshold * benefit.amount
    if isinstance(benefit, Ladder):
        step = benefit.steps[-1]
        return step.amount or -(-amount * (step.percent_bp or 0) // WHOLE)
    return amount


def _anywhere(name: str, terms: Terms, automatic: bool) -> Offer:
    """The offer without its scope: the worst cart's line is one that it is for."""
    open_threshold = terms.threshold.model_copy(update={"scope": None})
    unbound = terms.model_copy(update={"scope": Scope(include=LineFilter()), "threshold": open_threshold})
    return Offer(name, name, unbound, FOREVER, automatic=automatic)


def _worst_carts(one: Terms, other: Terms) -> Iterator[Cart]:
    """The smallest cart that both thresholds allow, and those where a further step of a benefit is just reached."""
    amount = max(one.threshold.amount or 0, other.threshold.amount or 0)
    units = max(one.threshold.quantity or 1, other.threshold.quantity or 1)
    steps = {reach for terms in (one, other) for reach in _steps(terms)}
    by_amount = {amount} | {max(reach, amount) for reach, kind in steps if kind == "amount"}
    by_units = {units} | {max(reach, units) for reach, kind in steps if kind == "quantity"}
    for reach in sorted(by_amount - {0}):
        for quantity in sorted(by_units):
            each = -(-reach // quantity)
            yield Cart((Line("1", quantity, each, each),))


def _steps(terms: Terms) -> Iterator[tuple[int, str]]:
    benefit = terms.benefit
    if isinstance(benefit, Ladder):
        yield from ((step.threshold, benefit.by) for step in benefit.steps)
    elif isinstance(benefit, Every):
        yield benefit.threshold, benefit.by
