"""The carts on which a stack of offers is tried: those where what the offers take begins, jumps or bends. Pure.

Of one sort of goods, so many units, what is left to pay is an even line between two such amounts; so if it comes to nothing
anywhere, it does at one of them or at the end of all prices.
"""

from collections.abc import Iterator, Sequence
from itertools import product

from services.coupon.pricing.cart import Cart
from services.coupon.pricing.named_goods import DEAREST
from services.coupon.pricing.small_orders import asked_of, pays_small_orders, rounding
from services.coupon.pricing.stack_goods import Shelf, counting
from services.coupon.pricing.strengths import LEAST, Strength, counts, kinks, own_price
from services.coupon.templates.benefits import BuyGet, Every, PercentOff

_DEAR = 10**8
"""For goods of which a bound of the price is not known."""
_FEW = 2
_MOST_TIMES = 8
_ODD = range(LEAST, 3 * LEAST)
"""Where portions leave next to nothing, rounding decides: each of these amounts is tried."""


def carts(some: Sequence[Shelf]) -> Iterator[Cart]:
    """Carts of these goods that may come to nothing, as far as quick sums tell."""
    offers = list({one.offer.id: one for part in some for one in part.offers}.values())
    each = sum(part.units for part in some)
    for times in sorted({-(-number // each) for number in _numbers(offers)})[:_MOST_TIMES]:
        for amount in _amounts(offers, each * times):
            if len(some) == 1:
                yield from _of_one(some[0], amount, each * times)
            else:
                yield from (cart for cart in _of_several(some, amount, times) if _may_go(some, offers, cart))


def _numbers(offers: Sequence[Strength]) -> set[int]:
    """Numbers of units at which offers begin, whole groups of them, and those at which cheap units reach an amount."""
    all_terms = [one.offer.terms for one in offers]
    found = {1, *(count for terms in all_terms for count in counts(terms))}
    given = [terms.benefit for terms in all_terms if isinstance(terms.benefit, BuyGet)]
    groups = {benefit.buy.quantity + benefit.get.quantity for benefit in given}
    found |= {-(-number // group) * group for number in found for group in groups}
    bounds = {one.dearest for one in offers if 0 < one.dearest < DEAREST}
    return found | {-(-kink // dearest) for terms in all_terms for kink in kinks(terms) for dearest in bounds}


def _of_one(part: Shelf, amount: int, units: int) -> Iterator[Cart]:
    """Units that come to just that amount: where it does not come out even, some cost one more than the others."""
    sort = part.sort
    if _left(part.offers, amount, units) < 1 and not _is_small(part.offers, amount, units):
        each, odd = divmod(amount, units)
        lines = [sort.line("1", units - odd, each)]
        yield Cart((*lines, sort.line("2", odd, each + 1)) if odd else tuple(lines))
    yield from _uneven(part, amount, units)


def _uneven(part: Shelf, amount: int, units: int) -> Iterator[Cart]:
    """For offers that choose units: those that they choose dear, and the others as cheap as what pays small orders."""
    chosen = {most for one in part.offers if (most := one.chooses) is not None and most < units}
    prices = {max(LEAST, most) for most in (0, *(one.unit_amount for one in part.offers))}
    for some, cheap in product(sorted(chosen)[:_FEW], sorted(prices, reverse=True)[:_FEW]):
        dear = -(-amount // some)
        total = dear * some + cheap * (units - some)
        if cheap > dear:
            continue
        taken: dict[str, float] = {}
        for one in part.offers:
            if _reached(one, total, units):
                own = max(one.takes(total, units), one.takes(dear * some, some))
                taken[one.key] = max(taken.get(one.key, 0), min(own, total))
        if sum(taken.values()) + units >= total and not _is_small(part.offers, total, units):
            yield Cart((part.sort.line("1", some, dear), part.sort.line("2", units - some, cheap)))


def _of_several(some: Sequence[Shelf], amount: int, times: int) -> Iterator[Cart]:
    """Each sort at what the offers for it alone ask for, and all or one of them raised until they come to the amount."""
    wanted = [_own_reach(part, some) for part in some]
    total = sum(wanted)
    more = max(amount - total, 0)
    all_raised = [-(-(total + more) * own // total) for own in wanted]
    one_raised = [[*wanted[:at], own + more, *wanted[at + 1 :]] for at, own in enumerate(wanted)] if more else []
    for amounts in (all_raised, *one_raised):
        lines = []
        for at, (part, own) in enumerate(zip(some, amounts, strict=True), 1):
            units = part.units * times
            lines.append(part.sort.line(str(at), units, -(-own // units)))
        yield Cart(tuple(lines))


def _may_go(some: Sequence[Shelf], offers: Sequence[Strength], cart: Cart) -> bool:
    """Whether all that the offers may take of their own lines comes to the whole cart, and it is not meant to be free."""
    taken: dict[str, float] = {}
    for one in counting(offers):
        lines = [line for part, line in zip(some, cart.lines, strict=True) if one.offer.id in part.ids]
        amount, units = sum(line.subtotal for line in lines), sum(line.quantity for line in lines)
        most = one.takes(amount, units) if one.rate is None else one.rate * amount
        taken[one.key] = max(taken.get(one.key, 0), min(most + units, amount))
    units = sum(line.quantity for line in cart.lines)
    return sum(taken.values()) >= cart.subtotal and not _is_small(offers, cart.subtotal, units)


def _is_small(offers: Sequence[Strength], amount: int, units: int) -> bool:
    """True where quick sums tell that the order is meant to be free (`is_small` asks the engine)."""
    paid = _paid(offers, amount, units)
    asked = max(asked_of(one.offer.terms, amount) for one in offers)
    return asked <= paid and 2 * paid >= amount


def _reached(one: Strength, amount: int, units: int) -> bool:
    return one.amount <= amount and one.units <= units and one.cheapest <= amount / units <= one.dearest


def _paid(offers: Sequence[Strength], amount: int, units: int) -> float:
    paying: dict[str, float] = {}
    for one in offers:
        if pays_small_orders(one.offer.terms) and _reached(one, amount, units):
            paying[one.key] = max(paying.get(one.key, 0), one.takes(amount, units))
    return sum(paying.values())


def _own_reach(part: Shelf, some: Sequence[Shelf]) -> int:
    others = {one.offer.id for other in some if other is not part for one in other.offers}
    return max([LEAST * part.units, *(one.amount for one in part.offers if one.offer.id not in others)])


def _amounts(offers: Sequence[Strength], units: int) -> list[int]:
    found = {kink for one in offers for kink in kinks(one.offer.terms)}
    for one in offers:
        benefit = one.offer.terms.benefit
        if isinstance(benefit, Every) and benefit.by == "amount":
            found |= {-(-kink // benefit.threshold) * benefit.threshold for kink in found}
    found |= {price * units for one in offers for price in (one.cheapest, one.dearest) if 0 < price < DEAREST}
    prices = {price * units for one in offers if (price := own_price(one.offer.terms)) is not None}
    even = sum(one.takes(_DEAR * units, units) / (_DEAR * units) for one in offers if one.rate is None and _even(one))
    if prices:
        found |= {price * more for price in prices for more in (2, 10, 100)}
        found |= {min(int(price / even) + 1, DEAREST) for price in prices if even > 0}
    paid = sum(one.takes(_DEAR, units) for one in offers if pays_small_orders(one.offer.terms) and one.units <= units)
    found |= {int(paid) + 1, int(2 * paid) + rounding(len(offers), units) + 1, LEAST * units, _DEAR * units}
    portions = [one for one in offers if one.offer.terms.benefit.percentage]
    rounded = len(portions) * units / 2
    if _left(portions, _DEAR * units, units) >= 1 > _left(portions, LEAST * units, units) - rounded:
        found |= {odd * units for odd in _ODD}
    least = LEAST * units
    return sorted({max(amount, least) for amount in found})


def _even(one: Strength) -> bool:
    """True where it takes the same portion of any price."""
    benefit = one.offer.terms.benefit
    return isinstance(benefit, PercentOff) and benefit.max_amount is None


def _left(offers: Sequence[Strength], amount: int, units: int) -> float:
    """No more than what is left of so many units of one sort. Of offers that exclude each other those count that take most.

    Portions of what others leave come first, then the rest. Whichever of those with running thresholds is the last one, what
    was left before it reached its threshold.
    """
    kept: dict[str, float] = {}
    taken: dict[str, float] = {}
    least = float(amount)
    bounded = held = 1.0
    for one in counting(offers):
        if not _reached(one, amount, units):
            continue
        if one.rate is None:
            taken[one.key] = max(taken.get(one.key, 0), one.takes(amount, units))
        elif one.running:
            least = min(least, one.running * (1 - one.rate))
            bounded *= 1 - one.rate
        else:
            kept[one.key] = min(kept.get(one.key, 1), 1 - one.rate)
    for portion in kept.values():
        held *= portion
    return max(amount * bounded, least) * held - sum(taken.values()) - len(kept) * units / 2
