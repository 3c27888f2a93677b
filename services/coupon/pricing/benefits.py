"""What each benefit kind takes off a cart: one function per kind, in the table at the end. Pure.

A function reads the cart once, when its offer is compiled, and answers a rule: which units it touches, and how much it
takes when the balances are such and such. Sharing out, caps, floors and thresholds are the same for all kinds and stand in
`rules.py`. Which units are the dearest or the cheapest is decided by their prices, not by what other offers left of them.

A rule must never want more when balances fall: the bounds of the search rest on that, and a property test holds it.
"""

from collections.abc import Callable, Collection
from fractions import Fraction
from typing import Any

from services.coupon.pricing.apportionment import apportion
from services.coupon.pricing.benefit_rule import Goods, Indexes, Now, Rule, Short, Taking, parts, portion
from services.coupon.pricing.offers import NextStep
from services.coupon.templates.benefits import (
    WHOLE,
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


def _limited(amount: int, most: int | None) -> int:
    return amount if most is None or amount < most else most


def _amount_off(benefit: AmountOff, goods: Goods) -> Rule:
    lines = goods.eligible
    units = goods.dearest(lines, benefit.max_units)
    if benefit.per == "order":
        taking = Taking(benefit.amount)
    elif benefit.per == "line":
        taking = Taking(each=[benefit.amount * min(count, 1) for count in units])
    else:
        taking = Taking(each=[benefit.amount * count for count in units])
    return Rule(lines, units, lambda _now: taking)


def _percent_off(benefit: PercentOff, goods: Goods) -> Rule:
    lines, rate = goods.eligible, benefit.percent_bp
    units = goods.dearest(lines, benefit.max_units)

    def whole(now: Now) -> Taking:
        return Taking(_limited(portion(sum(parts(goods, now, lines, units)), rate), benefit.max_amount))

    def one_by_one(now: Now) -> Taking:
        amounts = parts(goods, now, lines, units)
        if benefit.per == "line":
            each = [portion(base, rate) for base in amounts]
        else:
            each = [
                count * portion(Fraction(base) / count, rate) if count else 0
                for base, count in zip(amounts, units, strict=True)
            ]
        if benefit.max_amount is not None and sum(each) > benefit.max_amount:
            each = apportion(each, benefit.max_amount)
        return Taking(each=each)

    if benefit.per == "order":
        return Rule(lines, units, whole, rate)
    return Rule(lines, units, one_by_one, rate, (len(lines) if benefit.per == "line" else sum(units)) / 2)


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
        return Taking(worth(step, base), next_step=following)

    return Rule(lines, goods.units(lines), take, benefit.steps[-1].percent_bp)


def _every(benefit: Every, goods: Goods) -> Rule:
    lines, by_amount = goods.eligible, benefit.by == "amount"

    def take(now: Now) -> Taking | Short:
        reached = now.reached if by_amount else now.pieces
        times = reached // benefit.threshold
        missing = (times + 1) * benefit.threshold - reached
        if times == 0:
            return _short(by_amount, missing)
        if benefit.max_times is not None and times >= benefit.max_times:
            return Taking(benefit.max_times * benefit.amount)
        following = _next(by_amount, missing, (times + 1) * benefit.amount)
        return Taking(times * benefit.amount, next_step=following)

    return Rule(lines, goods.units(lines), take)


def _short(by_amount: bool, missing: int) -> Short:
    if by_amount:
        return Short("below_threshold:amount", missing_amount=missing)
    return Short("below_threshold:quantity", missing_quantity=missing)


def _next(by_amount: bool, missing: int, worth: int) -> NextStep:
    return NextStep(worth, missing_amount=missing) if by_amount else NextStep(worth, missing_quantity=missing)


def _fixed_price(benefit: FixedPrice, goods: Goods) -> Rule:
    lines = goods.eligible
    units = goods.dearest(lines, benefit.max_units)

    def take(now: Now) -> Taking:
        amounts = parts(goods, now, lines, units)
        # Parts of a fen are not taken: rounding never goes under the price.
        return Taking(
            each=[max(int(base) - benefit.amount * count, 0) for base, count in zip(amounts, units, strict=True)]
        )

    return Rule(lines, units, take, low=benefit.amount)


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
    units = _cheapest(goods, given, bought, times * get, only_bought + both - times * buy)

    def take(now: Now) -> Taking | Short:
        if times == 0:
            return Short("below_threshold:quantity", missing_quantity=_lacking(only_bought, only_given, both, buy, get))
        return Taking(portion(sum(parts(goods, now, given, units)), benefit.get.percent_bp))

    return Rule(given, units, take, benefit.get.percent_bp)


def _cheapest(goods: Goods, given: Indexes, bought: Collection[int], wanted: int, spare: int) -> list[int]:
    """The `wanted` cheapest units of the given lines, of which no more than `spare` may be such as count as bought."""
    units = [0] * len(given)
    for at in sorted(range(len(given)), key=lambda at: (goods.prices[given[at]], at)):
        index = given[at]
        units[at] = min(goods.quantities[index], wanted, spare if index in bought else wanted)
        wanted -= units[at]
        spare -= units[at] if index in bought else 0
    return units


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
    units = [0] * len(lines)
    for sku, count in benefit.skus.items():
        places = [at for at, index in enumerate(lines) if goods.lines[index].sku == sku]
        dearest = goods.dearest([lines[at] for at in places], times * count)
        for at, touched in zip(places, dearest, strict=True):
            units[at] = touched

    def take(now: Now) -> Taking | Short:
        if times == 0:
            missing = sum(max(count - held[sku], 0) for sku, count in benefit.skus.items())
            return Short("below_threshold:bundle", missing_quantity=missing)
        return Taking(max(int(sum(parts(goods, now, lines, units))) - times * benefit.amount, 0))

    return Rule(lines, units, take)


def _free_shipping(benefit: FreeShipping, _goods: Goods) -> Rule:
    return Rule((), (), lambda now: Taking(shipping=_limited(now.shipping, benefit.max_amount)))


def _shipping_percent_off(benefit: ShippingPercentOff, _goods: Goods) -> Rule:
    def take(now: Now) -> Taking:
        return Taking(shipping=_limited(portion(now.shipping, benefit.percent_bp), benefit.max_amount))

    return Rule((), (), take)


def _gift(benefit: Gift, _goods: Goods) -> Rule:
    taking = Taking(gifts=benefit.quantity)
    return Rule((), (), lambda _now: taking)


def _exchange(benefit: Exchange, goods: Goods) -> Rule:
    lines = [index for index in goods.eligible if goods.lines[index].product_id == benefit.product_id]
    units = goods.dearest(lines, benefit.quantity)
    lacking = benefit.quantity - sum(units)

    def take(now: Now) -> Taking:
        return Taking(each=[int(base) for base in parts(goods, now, lines, units)], gifts=lacking)

    return Rule(lines, units, take, WHOLE, 0)


def _cash_back(benefit: CashBack, goods: Goods) -> Rule:
    lines = goods.eligible

    def take(now: Now) -> Taking:
        if benefit.amount is not None:
            return Taking(cash_back=benefit.amount)
        paid = sum(now.left[index] for index in lines)
        return Taking(cash_back=_limited(portion(paid, benefit.percent_bp or 0), benefit.max_amount))

    return Rule((), (), take)


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
    """The rule of a benefit on these goods."""
    return _RULES[type(benefit)](benefit, goods)
