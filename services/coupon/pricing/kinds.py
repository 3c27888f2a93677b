"""What each benefit kind takes off a cart: one function per kind, in the table at the end. Pure.

A function reads the cart once, when its offer is compiled, and answers a rule: which lines it may touch, and how much it
takes when the balances are such and such. Sharing out, caps, floors and thresholds are the same for all kinds and stand in
`rules.py`.

A rule must never want more when balances fall (but for its `slack`): the bounds of the search rest on that, and a property
test holds it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

from services.coupon.pricing.apportionment import Weight, apportion
from services.coupon.pricing.cart import Line, lines_in
from services.coupon.pricing.offers import NextStep
from services.coupon.templates.benefits import (
    AmountOff,
    BundlePrice,
    BuyGet,
    CashBack,
    Every,
    Exchange,
    FixedPrice,
    FreeShipping,
    Gift,
    Kind,
    Ladder,
    PercentOff,
    ShippingPercentOff,
)
from services.coupon.templates.scopes import LineScope
from shared.money import round_half_up

Indexes = Sequence[int]


@dataclass(slots=True)
class Goods:
    """The cart, and the lines that the offer's scope names (positions)."""

    lines: Sequence[Line]
    quantities: Sequence[int]
    eligible: Indexes

    def named(self, scope: LineScope | None) -> Indexes:
        """Lines of a scope of the benefit's own; without one, the offer's."""
        return self.eligible if scope is None else lines_in(scope, self.lines)


class Now(NamedTuple):
    """Balances when the rule is asked: per line the amount that the offer computes on, and what its threshold counts."""

    amounts: Sequence[int]
    reached: int
    pieces: int
    shipping: int
    left: Sequence[int]


class Taking(NamedTuple):
    """What a rule wants to take, before caps.

    `amount` is shared out to `units` of `lines` (None: all their units); `each` says the lines' own shares instead.
    `rate_bp` says that the amount is no more than this portion of what the lines hold. `gifts` counts units that are added.
    """

    lines: Indexes = ()
    amount: int = 0
    units: Sequence[int] | None = None
    each: Sequence[int] | None = None
    shipping: int = 0
    gifts: int = 0
    cash_back: int = 0
    rate_bp: int = 0
    next_step: NextStep | None = None


class Short(NamedTuple):
    """What the cart lacks for the benefit's own condition; `key` names the sentence in `reasons`."""

    key: str
    missing_amount: int | None = None
    missing_quantity: int | None = None


class Rule(NamedTuple):
    """`lines`: all that `take` may ever touch. `slack`: how much more it may want when balances fall."""

    lines: Indexes
    take: Callable[[Now], Taking | Short]
    slack: int = 0


def portion(base: Weight, basis_points: int) -> int:
    """Computed once on the whole and rounded half up."""
    if isinstance(base, int):
        return (base * basis_points + 5_000) // 10_000
    return round_half_up(base * basis_points / 10_000)


def part(amount: int, units: int, quantity: int) -> Weight:
    """The amount of so many of a line's units, exact."""
    whole, rest = divmod(amount * units, quantity)
    return Fraction(amount * units, quantity) if rest else whole


def _parts(goods: Goods, now: Now, lines: Indexes, units: Sequence[int] | None) -> list[Weight]:
    if units is None:
        return [now.amounts[index] for index in lines]
    return [part(now.amounts[index], count, goods.quantities[index]) for index, count in zip(lines, units, strict=True)]


def _dearest(goods: Goods, now: Now, lines: Indexes, most: int | None) -> Sequence[int] | None:
    """How many units of each line are touched when only the `most` dearest are; ties go to the first line."""
    if most is None:
        return None
    return _pick(goods, now, lines, most, dearest=True)


def _pick(goods: Goods, now: Now, lines: Indexes, most: int, *, dearest: bool) -> list[int]:
    sign = -1 if dearest else 1
    by_price = sorted(
        range(len(lines)), key=lambda at: (sign * part(now.amounts[lines[at]], 1, goods.quantities[lines[at]]), at)
    )
    units = [0] * len(lines)
    for at in by_price:
        units[at] = min(goods.quantities[lines[at]], most)
        most -= units[at]
    return units


def _limited(amount: int, most: int | None) -> int:
    return amount if most is None or amount < most else most


def _amount_off(benefit: AmountOff, goods: Goods) -> Rule:
    lines = goods.eligible

    def take(now: Now) -> Taking:
        units = _dearest(goods, now, lines, benefit.max_units)
        if benefit.per == "order":
            return Taking(lines, benefit.amount, units)
        counts = [goods.quantities[index] for index in lines] if units is None else units
        each = [benefit.amount * (count if benefit.per == "unit" else min(count, 1)) for count in counts]
        return Taking(lines, units=units, each=each)

    if benefit.per != "line" or benefit.max_units is None:
        return Rule(lines, take)
    # The dearest units may come to lie on more lines than they do now.
    return Rule(lines, take, slack=benefit.amount * min(len(lines), benefit.max_units))


def _percent_off(benefit: PercentOff, goods: Goods) -> Rule:
    lines = goods.eligible

    def take(now: Now) -> Taking:
        units = _dearest(goods, now, lines, benefit.max_units)
        parts = _parts(goods, now, lines, units)
        if benefit.per == "order":
            amount = _limited(portion(sum(parts), benefit.percent_bp), benefit.max_amount)
            return Taking(lines, amount, units, rate_bp=0 if units else benefit.percent_bp)
        if benefit.per == "line":
            each = [portion(base, benefit.percent_bp) for base in parts]
        else:
            counts = [goods.quantities[index] for index in lines] if units is None else units
            each = [
                count * portion(Fraction(base) / count, benefit.percent_bp) if count else 0
                for base, count in zip(parts, counts, strict=True)
            ]
        if benefit.max_amount is not None and sum(each) > benefit.max_amount:
            each = apportion(each, benefit.max_amount)
        return Taking(lines, units=units, each=each)

    return Rule(lines, take, slack=len(lines) if benefit.per == "line" and benefit.max_units is not None else 0)


def _ladder(benefit: Ladder, goods: Goods) -> Rule:
    lines, by_amount = goods.eligible, benefit.by == "amount"

    def worth(step: int, base: int) -> int:
        found = benefit.steps[step]
        if found.amount is not None:
            return found.amount
        return _limited(portion(base, found.percent_bp or 0), benefit.max_amount)

    def take(now: Now) -> Taking | Short:
        reached = now.reached if by_amount else now.pieces
        step = sum(one.threshold <= reached for one in benefit.steps) - 1
        following, base = None, sum(now.amounts[index] for index in lines)
        if step + 1 < len(benefit.steps):
            missing = benefit.steps[step + 1].threshold - reached
            if step < 0:
                return _short(by_amount, missing)
            following = _next(by_amount, missing, worth(step + 1, base + missing if by_amount else base))
        rate = benefit.steps[step].percent_bp or 0
        return Taking(lines, worth(step, base), rate_bp=rate, next_step=following)

    return Rule(lines, take)


def _every(benefit: Every, goods: Goods) -> Rule:
    lines, by_amount = goods.eligible, benefit.by == "amount"

    def take(now: Now) -> Taking | Short:
        reached = now.reached if by_amount else now.pieces
        times = reached // benefit.threshold
        missing = (times + 1) * benefit.threshold - reached
        if times == 0:
            return _short(by_amount, missing)
        if benefit.max_times is not None and times >= benefit.max_times:
            return Taking(lines, benefit.max_times * benefit.amount)
        following = _next(by_amount, missing, (times + 1) * benefit.amount)
        return Taking(lines, times * benefit.amount, next_step=following)

    return Rule(lines, take)


def _short(by_amount: bool, missing: int) -> Short:
    if by_amount:
        return Short("below_threshold:amount", missing_amount=missing)
    return Short("below_threshold:quantity", missing_quantity=missing)


def _next(by_amount: bool, missing: int, worth: int) -> NextStep:
    return NextStep(worth, missing_amount=missing) if by_amount else NextStep(worth, missing_quantity=missing)


def _fixed_price(benefit: FixedPrice, goods: Goods) -> Rule:
    lines = goods.eligible

    def take(now: Now) -> Taking:
        units = _dearest(goods, now, lines, benefit.max_units)
        counts = [goods.quantities[index] for index in lines] if units is None else units
        parts = _parts(goods, now, lines, units)
        # What is left of a fen stays with the customer: a price is never under-cut by rounding.
        each = [max(int(base) - benefit.amount * count, 0) for base, count in zip(parts, counts, strict=True)]
        return Taking(lines, units=units, each=each)

    return Rule(lines, take)


def _buy_get(benefit: BuyGet, goods: Goods) -> Rule:
    bought, given = set(goods.named(benefit.buy.scope)), goods.named(benefit.get.scope)
    buy, get, quantities = benefit.buy.quantity, benefit.get.quantity, goods.quantities
    both = sum(quantities[index] for index in given if index in bought)
    only_bought = sum(quantities[index] for index in bought) - both
    only_given = sum(quantities[index] for index in given) - both
    # A unit that is given does not count as bought.
    times = min(
        (only_bought + both) // buy, (only_given + both) // get, (only_bought + only_given + both) // (buy + get)
    )
    times = _limited(times, benefit.max_times)
    spare = only_bought + both - times * buy

    def take(now: Now) -> Taking | Short:
        if times == 0:
            return Short("below_threshold:quantity", missing_quantity=_lacking(only_bought, only_given, both, buy, get))
        units, left, free = [0] * len(given), times * get, spare
        cheapest = sorted(
            range(len(given)), key=lambda at: (part(now.amounts[given[at]], 1, quantities[given[at]]), at)
        )
        for at in cheapest:
            most = min(quantities[given[at]], left, free if given[at] in bought else left)
            units[at] = most
            left -= most
            free -= most if given[at] in bought else 0
        whole = sum(_parts(goods, now, given, units))
        return Taking(given, portion(whole, benefit.get.percent_bp), units)

    return Rule(given, take)


def _lacking(only_bought: int, only_given: int, both: int, buy: int, get: int) -> int:
    """The fewest units to add so that it happens once: each added one may count on either side."""
    bought, given = min(only_bought, buy), min(only_given, get)
    return buy + get - bought - given - min(both, buy - bought + get - given)


def _bundle_price(benefit: BundlePrice, goods: Goods) -> Rule:
    lines = [index for index in goods.eligible if goods.lines[index].sku in benefit.skus]
    held = dict.fromkeys(benefit.skus, 0)
    for index in lines:
        held[str(goods.lines[index].sku)] += goods.quantities[index]
    times = _limited(min(held[sku] // count for sku, count in benefit.skus.items()), benefit.max_times)
    by_sku = [
        (times * count, [at for at, index in enumerate(lines) if goods.lines[index].sku == sku])
        for sku, count in benefit.skus.items()
    ]

    def take(now: Now) -> Taking | Short:
        if times == 0:
            missing = sum(max(count - held[sku], 0) for sku, count in benefit.skus.items())
            return Short("below_threshold:bundle", missing_quantity=missing)
        units = [0] * len(lines)
        for wanted, places in by_sku:
            for at, count in zip(
                places, _pick(goods, now, [lines[at] for at in places], wanted, dearest=True), strict=True
            ):
                units[at] = count
        worth = int(sum(_parts(goods, now, lines, units)))
        return Taking(lines, max(worth - times * benefit.amount, 0), units)

    return Rule(lines, take)


def _free_shipping(benefit: FreeShipping, goods: Goods) -> Rule:
    return Rule((), lambda now: Taking(shipping=_limited(now.shipping, benefit.max_amount)))


def _shipping_percent_off(benefit: ShippingPercentOff, goods: Goods) -> Rule:
    def take(now: Now) -> Taking:
        return Taking(shipping=_limited(portion(now.shipping, benefit.percent_bp), benefit.max_amount))

    return Rule((), take)


def _gift(benefit: Gift, goods: Goods) -> Rule:
    return Rule((), lambda now: Taking(gifts=benefit.quantity))


def _exchange(benefit: Exchange, goods: Goods) -> Rule:
    lines = [index for index in goods.eligible if goods.lines[index].product_id == benefit.product_id]
    present = min(sum(goods.quantities[index] for index in lines), benefit.quantity)

    def take(now: Now) -> Taking:
        units = _pick(goods, now, lines, present, dearest=True)
        each = [int(base) for base in _parts(goods, now, lines, units)]
        return Taking(lines, units=units, each=each, gifts=benefit.quantity - present)

    return Rule(lines, take)


def _cash_back(benefit: CashBack, goods: Goods) -> Rule:
    lines = goods.eligible

    def take(now: Now) -> Taking:
        if benefit.amount is not None:
            return Taking(cash_back=benefit.amount)
        paid = sum(now.left[index] for index in lines)
        return Taking(cash_back=_limited(portion(paid, benefit.percent_bp or 0), benefit.max_amount))

    return Rule((), take)


_RULES: dict[type[Kind], Callable[[Any, Goods], Rule]] = {
    AmountOff: _amount_off,
    PercentOff: _percent_off,
    Ladder: _ladder,
    Every: _every,
    FixedPrice: _fixed_price,
    BuyGet: _buy_get,
    BundlePrice: _bundle_price,
    FreeShipping: _free_shipping,
    ShippingPercentOff: _shipping_percent_off,
    Gift: _gift,
    Exchange: _exchange,
    CashBack: _cash_back,
}


def rule_of(benefit: Kind, goods: Goods) -> Rule:
    return _RULES[type(benefit)](benefit, goods)
