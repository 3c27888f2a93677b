"""How much of a cart an offer can take, as far as its terms alone say so: quick sums before the engine is asked. Pure."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from services.coupon.pricing.benefit_rule import portion
from services.coupon.pricing.named_goods import DEAREST, dimensions
from services.coupon.pricing.offers import Offer
from services.coupon.pricing.small_orders import steps
from services.coupon.templates.benefits import (
    WHOLE,
    AmountOff,
    BundlePrice,
    BuyGet,
    Every,
    Exchange,
    FixedPrice,
    Kind,
    Ladder,
    PercentOff,
)
from services.coupon.templates.scopes import LineFilter, LineScope
from services.coupon.templates.terms import Terms

Region = tuple[LineScope, ...]
"""Goods that all of these scopes name."""
Takes = Callable[[int, int], float]
"""The most that an offer takes of goods that amount to so much, in so many equal units."""
LEAST = 100
"""Minor units that a unit costs at least where stacks are judged: under that, rounding alone can make it free."""
GOODS = (AmountOff, PercentOff, Ladder, Every, FixedPrice, BuyGet, BundlePrice, Exchange)
"""The kinds that take something off goods."""


class Strength(NamedTuple):
    """An offer, and what it can do to a cart that reaches `amount` and `units`.

    `rate`: it takes no more than this portion of what the others left, and nothing where that is under `running`; else `takes`
    counts on the whole price. `portion`: the most of any cart.
    """

    offer: Offer
    key: str
    regions: tuple[Region, ...]
    """Goods that it is for, counts, or asks for."""
    amount: int
    units: int
    takes: Takes
    rate: float | None
    running: int
    portion: float
    own: tuple[Region, ...]
    """Goods that it takes something off."""
    scope: LineScope
    """Its own, but for what it says of prices: those of units from `cheapest` to `dearest`."""
    cheapest: int
    dearest: int
    named: Mapping[str, frozenset[str]]
    """What its own scope names, by dimension."""
    even: bool
    """True when each of equal units gives the same, and what one of them cannot give is dropped."""
    chooses: int | None
    """How many units it is for at most, those of which most is left."""
    unit_amount: int
    """What it takes off each unit; 0 for others."""
    gives_units: bool
    """True when it gives whole units, of which no other offer takes anything then."""


def strength(offer: Offer) -> Strength:
    """The strength of an offer whose kind takes something off goods."""
    terms = offer.terms
    benefit, threshold, group = terms.benefit, terms.threshold, terms.stacking.group
    takes = _takes(terms)
    running = (threshold.amount or 0) if threshold.basis == "running" and threshold.scope is None else 0
    rate, prices = _rate(terms, running), terms.scope.unit_price
    regions, scope = _regions(terms), _priceless(terms.scope)
    chooses = benefit.max_units if isinstance(benefit, AmountOff | PercentOff | FixedPrice) else None
    some = chooses is not None or isinstance(benefit, BuyGet | BundlePrice | Exchange)
    return Strength(
        offer=offer,
        key=f"template {offer.template_id}" if group is None else f"group {group}",
        regions=regions,
        amount=threshold.amount or 0,
        units=threshold.quantity or 1,
        takes=takes,
        rate=rate,
        running=running,
        portion=_portion(terms, takes) if rate is None else rate,
        own=regions if isinstance(benefit, BundlePrice | Exchange) else ((scope,),),
        scope=scope,
        cheapest=(prices.gte or 0) if prices is not None else 0,
        dearest=DEAREST if prices is None or prices.lte is None else prices.lte,
        named=dimensions(terms.scope),
        even=terms.stacking.overflow == "drop" and not some,
        chooses=chooses,
        unit_amount=_unit_amount(terms),
        gives_units=isinstance(benefit, BuyGet)
        and benefit.get.percent_bp == WHOLE
        and benefit.buy.scope is benefit.get.scope is None,
    )


def kinks(terms: Terms) -> set[int]:
    """Amounts at which what the offer takes begins, jumps or bends: between two of them it takes an even portion."""
    benefit, found = terms.benefit, steps(terms)
    if isinstance(benefit, Every) and benefit.by == "amount" and benefit.max_times is not None:
        found.add(benefit.threshold * benefit.max_times)
    if isinstance(benefit, PercentOff) and benefit.max_amount is not None:
        found.add(benefit.max_amount * WHOLE // benefit.percent_bp)
    if isinstance(benefit, Ladder) and benefit.max_amount is not None:
        found |= {benefit.max_amount * WHOLE // (step.percent_bp or WHOLE) for step in benefit.steps}
    return found - {0}


def counts(terms: Terms) -> set[int]:
    """Numbers of units at which it begins, or gives more."""
    benefit, found = terms.benefit, {terms.threshold.quantity or 1}
    if isinstance(benefit, Ladder) and benefit.by == "quantity":
        found |= {step.threshold for step in benefit.steps}
    elif isinstance(benefit, Every) and benefit.by == "quantity":
        found.add(benefit.threshold)
    elif isinstance(benefit, BuyGet):
        found.add(benefit.buy.quantity + benefit.get.quantity)
    elif isinstance(benefit, BundlePrice):
        found.add(sum(benefit.skus.values()))
    elif isinstance(benefit, Exchange):
        found.add(benefit.quantity)
    elif isinstance(benefit, AmountOff | PercentOff | FixedPrice) and benefit.max_units is not None:
        found.add(benefit.max_units)
    return found


def own_price(terms: Terms) -> int | None:
    """The price that it leaves of a unit, or of a bundle; None for kinds without one."""
    benefit = terms.benefit
    return benefit.amount if isinstance(benefit, FixedPrice | BundlePrice) else None


def _unit_amount(terms: Terms) -> int:
    benefit = terms.benefit
    if isinstance(benefit, Every):
        return benefit.amount if benefit.by == "quantity" else 0
    return benefit.amount if isinstance(benefit, AmountOff) and benefit.per != "order" else 0


def _portion(terms: Terms, takes: Takes) -> float:
    if own_price(terms) is not None:
        return 1
    found: float = 0
    for units in counts(terms):
        for kink in {LEAST * units, *kinks(terms)}:
            amount = max(kink, terms.threshold.amount or 0)
            found = max(found, takes(amount, units) / amount)
    rounded = min(found, 1 / (2 * LEAST)) if terms.benefit.percentage else 0
    return min(found + rounded, 1)


def _regions(terms: Terms) -> tuple[Region, ...]:
    benefit, own = terms.benefit, _priceless(terms.scope)
    if isinstance(benefit, BundlePrice):
        return tuple((own, LineScope(include=LineFilter(skus=(sku,)))) for sku in benefit.skus)
    if isinstance(benefit, Exchange):
        return ((own, LineScope(include=LineFilter(products=(benefit.product_id,)))),)
    asked = (benefit.buy.scope, benefit.get.scope) if isinstance(benefit, BuyGet) else ()
    return ((own,), *((_priceless(scope),) for scope in (terms.threshold.scope, *asked) if scope is not None))


def _priceless(scope: LineScope) -> LineScope:
    return scope if scope.unit_price is None else LineScope(include=scope.include, exclude=scope.exclude)


def _rate(terms: Terms, running: int) -> float | None:
    """The portion of what is left that it takes at most, where it goes by that."""
    benefit = terms.benefit
    if running and isinstance(benefit, AmountOff) and benefit.per == "order":
        return min(benefit.amount / running, 1)
    if terms.stacking.calculation != "sequential":
        return None
    if isinstance(benefit, PercentOff) and benefit.max_units is None:
        return benefit.percent_bp / WHOLE
    if isinstance(benefit, Ladder) and benefit.percentage:
        return (benefit.steps[-1].percent_bp or 0) / WHOLE
    return None


def _takes(terms: Terms) -> Takes:
    """By kind."""
    benefit = terms.benefit
    return _BY_KIND[type(benefit)](benefit) if isinstance(benefit, GOODS) else lambda _amount, _units: 0


def _amount_off(benefit: AmountOff) -> Takes:
    if benefit.per == "order":
        return lambda _amount, _units: benefit.amount
    most = benefit.max_units or DEAREST
    return lambda amount, units: min(benefit.amount, -(-amount // units)) * min(units, most)


def _percent_off(benefit: PercentOff) -> Takes:
    rate, most, some = benefit.percent_bp, benefit.max_amount or DEAREST**2, benefit.max_units or DEAREST

    def takes(amount: int, units: int) -> int:
        if benefit.per == "order" and units <= some:
            return min(portion(amount, rate), most)
        return min(portion(-(-amount // units), rate) * min(some, units), most)

    return takes


def _ladder(benefit: Ladder) -> Takes:
    most = benefit.max_amount or DEAREST**2

    def takes(amount: int, units: int) -> float:
        reached = amount if benefit.by == "amount" else units
        step = next((step for step in reversed(benefit.steps) if step.threshold <= reached), None)
        if step is None:
            return 0
        return step.amount or min(portion(amount, step.percent_bp or 0), most)

    return takes


def _every(benefit: Every) -> Takes:
    most = benefit.max_times or DEAREST

    def takes(amount: int, units: int) -> float:
        times = (amount if benefit.by == "amount" else units) // benefit.threshold
        return min(times, most) * benefit.amount

    return takes


def _fixed_price(benefit: FixedPrice) -> Takes:
    most = benefit.max_units or DEAREST
    return lambda amount, units: max(amount / units - benefit.amount, 0) * min(units, most)


def _buy_get(benefit: BuyGet) -> Takes:
    buy, get, rate = benefit.buy.quantity, benefit.get.quantity, benefit.get.percent_bp / WHOLE
    if benefit.buy.scope is not None or benefit.get.scope is not None:
        return lambda amount, _units: amount * rate + 0.5
    most = benefit.max_times or DEAREST
    return lambda amount, units: amount / units * min(units // (buy + get), most) * get * rate + 0.5


def _bundle_price(benefit: BundlePrice) -> Takes:
    return lambda amount, _units: max(amount - benefit.amount, 0)


def _exchange(benefit: Exchange) -> Takes:
    return lambda amount, units: amount * min(benefit.quantity / units, 1)


_BY_KIND: dict[type[Kind], Callable[..., Takes]] = {
    AmountOff: _amount_off,
    PercentOff: _percent_off,
    Ladder: _ladder,
    Every: _every,
    FixedPrice: _fixed_price,
    BuyGet: _buy_get,
    BundlePrice: _bundle_price,
    Exchange: _exchange,
}
