"""What each benefit kind takes off a cart: one function per kind, in the table at the end. Pure.

A function reads the cart once, when its offer is compiled, and answers a rule: which units it touches, and how much it
takes when the balances are such and such. Sharing out, caps, floors and thresholds are the same for all kinds and stand in
`rules.py`. Of the units that an offer may choose from it takes those of which other offers left most, and for a unit that
is given the cheapest; one that has nothing left to give is never chosen.

A rule must never want more than it wants of the whole cart (of its `widest` units there): the bounds of the search rest on
that, and a property test holds it.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from services.coupon.pricing.apportionment import apportion
from services.coupon.pricing.benefit_rule import (
    Goods,
    Now,
    Rule,
    Short,
    Taking,
    by_pile,
    by_unit,
    dearest,
    portion,
)
from services.coupon.pricing.offers import NextStep
from services.coupon.pricing.units import Piece
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
    piles, amount = goods.eligible, benefit.amount
    pick = goods.dearest(piles, benefit.max_units)
    if benefit.per == "order":
        taking = Taking(amount)
        return Rule(piles, lambda _now: taking, pick)
    if benefit.per == "line":
        return Rule(piles, lambda now: Taking(each=by_pile(now.pieces, lambda _base: amount)), pick, singly=True)
    return Rule(piles, lambda now: Taking(each=[amount * piece.count for piece in now.pieces]), pick, singly=True)


def _percent_off(benefit: PercentOff, goods: Goods) -> Rule:
    piles, rate, most = goods.eligible, benefit.percent_bp, benefit.max_amount
    pick = goods.dearest(piles, benefit.max_units)

    def whole(now: Now) -> Taking:
        base = sum([now.amounts[index] for index in piles]) if pick is None else now.touched
        return Taking(_limited(portion(base, rate), most))

    def one_by_one(now: Now) -> Taking:
        if benefit.per == "line":
            each = by_pile(now.pieces, lambda base: portion(base, rate))
        else:
            each = [by_unit(piece, rate) for piece in now.pieces]
        if most is not None and sum(each) > most:
            each = apportion(each, most)
        return Taking(each=each)

    if benefit.per == "order":
        return Rule(piles, whole, pick, rate_bp=rate)
    count = len(piles) if benefit.per == "line" else goods.count(piles)
    return Rule(piles, one_by_one, pick, singly=True, rate_bp=rate, rounding=count / 2)


def _ladder(benefit: Ladder, goods: Goods) -> Rule:
    piles, by_amount = goods.eligible, benefit.by == "amount"

    def worth(step: int, base: int) -> int:
        found = benefit.steps[step]
        if found.amount is not None:
            return found.amount
        return _limited(portion(base, found.percent_bp or 0), benefit.max_amount)

    def take(now: Now) -> Taking | Short:
        reached = now.reached if by_amount else now.number
        step = sum(one.threshold <= reached for one in benefit.steps) - 1
        following, base = None, sum(now.amounts[index] for index in piles)
        if step + 1 < len(benefit.steps):
            missing = benefit.steps[step + 1].threshold - reached
            if step < 0:
                return _short(by_amount, missing)
            following = _next(by_amount, missing, worth(step + 1, base + missing if by_amount else base))
        return Taking(worth(step, base), next_step=following)

    return Rule(piles, take, rate_bp=benefit.steps[-1].percent_bp)


def _every(benefit: Every, goods: Goods) -> Rule:
    piles, by_amount = goods.eligible, benefit.by == "amount"

    def take(now: Now) -> Taking | Short:
        reached = now.reached if by_amount else now.number
        times = reached // benefit.threshold
        missing = (times + 1) * benefit.threshold - reached
        if times == 0:
            return _short(by_amount, missing)
        if benefit.max_times is not None and times >= benefit.max_times:
            return Taking(benefit.max_times * benefit.amount)
        following = _next(by_amount, missing, (times + 1) * benefit.amount)
        return Taking(times * benefit.amount, next_step=following)

    return Rule(piles, take)


def _short(by_amount: bool, missing: int) -> Short:
    if by_amount:
        return Short("below_threshold:amount", missing_amount=missing)
    return Short("below_threshold:quantity", missing_quantity=missing)


def _next(by_amount: bool, missing: int, worth: int) -> NextStep:
    return NextStep(worth, missing_amount=missing) if by_amount else NextStep(worth, missing_quantity=missing)


def _fixed_price(benefit: FixedPrice, goods: Goods) -> Rule:
    price = benefit.amount

    def take(now: Now) -> Taking:
        return Taking(each=[max(piece.amount - price * piece.count, 0) for piece in now.pieces])

    piles = goods.eligible
    return Rule(piles, take, goods.dearest(piles, benefit.max_units), singly=True, low=price)


def _buy_get(benefit: BuyGet, goods: Goods) -> Rule:
    bought, given = set(goods.named(benefit.buy.scope)), goods.named(benefit.get.scope)
    buy, get = benefit.buy.quantity, benefit.get.quantity
    both = goods.count([index for index in given if index in bought])
    only_bought = goods.count(list(bought)) - both
    only_given = goods.count(given) - both
    # A unit that is given does not count as bought.
    times = min(
        (only_bought + both) // buy, (only_given + both) // get, (only_bought + only_given + both) // (buy + get)
    )
    times = _limited(times, benefit.max_times)

    def pick(pieces: Sequence[Piece]) -> list[Piece]:
        return _cheapest(goods, pieces, bought, times * get, only_bought + both - times * buy)

    def take(now: Now) -> Taking | Short:
        if times == 0:
            return Short("below_threshold:quantity", missing_quantity=_lacking(only_bought, only_given, both, buy, get))
        return Taking(portion(now.touched, benefit.get.percent_bp))

    def widest(pieces: Sequence[Piece]) -> list[Piece]:
        return dearest(pieces, times * get)

    return Rule(given, take, pick, widest=widest)


def _cheapest(goods: Goods, pieces: Iterable[Piece], bought: Collection[int], wanted: int, spare: int) -> list[Piece]:
    """The `wanted` cheapest units, of equal ones those of which most is left, and none that can give nothing.

    No more than `spare` of them may be such as count as bought.
    """
    chosen: list[Piece] = []
    for piece in sorted(pieces, key=lambda one: (goods.prices[one.pile], -one.left / one.count, one.pile, one.run)):
        most = min(wanted, spare) if piece.pile in bought else wanted
        if most > 0 and piece.room > 0:
            chosen.append(piece.some(most))
            wanted -= chosen[-1].count
            spare -= chosen[-1].count if piece.pile in bought else 0
    return sorted(chosen)


def _lacking(only_bought: int, only_given: int, both: int, buy: int, get: int) -> int:
    """The fewest units to add so that it happens once: each added one may count on either side."""
    bought, given = min(only_bought, buy), min(only_given, get)
    return buy + get - bought - given - min(both, buy - bought + get - given)


def _bundle_price(benefit: BundlePrice, goods: Goods) -> Rule:
    piles = [index for index in goods.eligible if goods.lines[index].sku in benefit.skus]
    held = dict.fromkeys(benefit.skus, 0)
    for index in piles:
        held[str(goods.lines[index].sku)] += goods.quantities[index]
    times = _limited(min(held[sku] // count for sku, count in benefit.skus.items()), benefit.max_times)

    def pick(pieces: Sequence[Piece]) -> list[Piece]:
        chosen: list[Piece] = []
        for sku, count in benefit.skus.items():
            chosen += dearest([piece for piece in pieces if goods.lines[piece.pile].sku == sku], times * count)
        return sorted(chosen)

    def take(now: Now) -> Taking | Short:
        if times == 0:
            missing = sum(max(count - held[sku], 0) for sku, count in benefit.skus.items())
            return Short("below_threshold:bundle", missing_quantity=missing)
        return Taking(max(now.touched - times * benefit.amount, 0))

    return Rule(piles, take, pick)


def _free_shipping(benefit: FreeShipping, _goods: Goods) -> Rule:
    return Rule((), lambda now: Taking(shipping=_limited(now.shipping, benefit.max_amount)))


def _shipping_percent_off(benefit: ShippingPercentOff, _goods: Goods) -> Rule:
    def take(now: Now) -> Taking:
        return Taking(shipping=_limited(portion(now.shipping, benefit.percent_bp), benefit.max_amount))

    return Rule((), take)


def _gift(benefit: Gift, _goods: Goods) -> Rule:
    taking = Taking(gifts=benefit.quantity)
    return Rule((), lambda _now: taking)


def _exchange(benefit: Exchange, goods: Goods) -> Rule:
    piles = [index for index in goods.eligible if goods.lines[index].product_id == benefit.product_id]
    lacking = max(benefit.quantity - goods.count(piles), 0)

    def take(now: Now) -> Taking:
        return Taking(each=[piece.amount for piece in now.pieces], gifts=lacking)

    pick = goods.dearest(piles, benefit.quantity)
    return Rule(piles, take, pick, singly=True, rate_bp=WHOLE, rounding=0)


def _cash_back(benefit: CashBack, goods: Goods) -> Rule:
    piles = goods.eligible

    def take(now: Now) -> Taking:
        if benefit.amount is not None:
            return Taking(cash_back=benefit.amount)
        paid = sum(now.left[index] for index in piles)
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
    """The rule of a benefit on these goods."""
    return _RULES[type(benefit)](benefit, goods)
