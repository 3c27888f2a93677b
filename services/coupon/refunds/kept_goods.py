"""What the goods that a customer keeps cost, when they are priced again by the frozen cart and the frozen terms.

That price is steady: it falls as goods come back, and by no more than their price. Priced by itself, one unit less can cost more
(a threshold is lost that took more off than the unit costs), or so much less that its price does not explain it (another unit
is the free one now). A refund can neither be negative nor give back more than the units cost, so by such prices it would
depend on how a return is split.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import product
from math import prod

from services.coupon.checkout import repository as checkouts
from services.coupon.checkout.models import CheckoutPromotion
from services.coupon.pricing.cart import SHIPPING, Cart, Line, lines_in
from services.coupon.pricing.engine import reprice
from services.coupon.pricing.offers import Answer, Offer
from services.coupon.refunds.rules import Kept, Sale
from services.coupon.templates.benefits import BuyGet
from services.coupon.templates.cache import TermsCache
from services.coupon.templates.terms import Terms
from services.coupon.templates.validity import FOREVER
from services.coupon.wallet import repository as wallet
from services.coupon.wallet.models import Coupon
from shared.db import Transaction

Added = tuple[int, ...]
"""So many units of each line that came back, as if they were kept."""
MOST_LINES = 2_000
"""Lines that one refund may price, over all its carts. A return with more ways to split it is priced once, by itself."""


async def used_offers(tx: Transaction, terms_cache: TermsCache, checkout_id: str) -> list[Offer]:
    """The offers of a checkout, coupons and promotions, under the terms that it was priced with."""
    locks = (await checkouts.coupon_locks(tx, [checkout_id]))[checkout_id]
    coupons = (await wallet.find(tx, [lock.coupon_id for lock in locks])).values()
    promotions = await checkouts.promotions(tx, [checkout_id])
    keys = {(row.template_id, row.terms_version) for row in coupons}
    terms = await terms_cache.load(tx, keys | {(row.promotion_id, row.terms_version) for row in promotions})
    return [
        *(_coupon(row, terms[row.template_id, row.terms_version].terms) for row in coupons),
        *(_promotion(row, terms[row.promotion_id, row.terms_version].terms) for row in promotions),
    ]


def _coupon(row: Coupon, terms: Terms) -> Offer:
    return Offer(row.id, row.template_id, terms, row.valid_until, row.terms_version, face_amount=row.face_amount)


def _promotion(row: CheckoutPromotion, terms: Terms) -> Offer:
    ends = terms.validity.until or FOREVER
    return Offer(row.promotion_id, row.promotion_id, terms, ends, row.terms_version, automatic=True)


def kept_after(sale: Sale, cart: Cart, units: Mapping[str, int], offers: Sequence[Offer]) -> Kept:
    """What is kept of the `sale` of that `cart` once `units` of each line came back, and what each offer takes off it."""
    again = _Again(sale, cart, units, offers)
    answer = again.priced(again.rest)
    if answer is None:  # no goods to price the shipping fee with: it stays as it was paid
        return Kept(again.price(), again.fees, counting=again.counting)
    promised = {promise.source: promise.amount for promise in answer.cash_back}
    return Kept(again.price(), {use.offer.id: use.amount for use in answer.uses}, promised, again.counting)


class _Again:
    """An order of which `units` came back, to be priced again."""

    def __init__(self, sale: Sale, cart: Cart, units: Mapping[str, int], offers: Sequence[Offer]) -> None:
        self._sale, self._cart, self._offers = sale, cart, offers
        self.rest = self._sale.kept(units)
        shipping = [line for line in self._sale.lines if line.line_id == SHIPPING and SHIPPING in self.rest]
        self._fee = sum(line.unit_price for line in shipping)
        self.fees = {source: share for line in shipping for source, share in line.shares.items()}
        named = {offer.id: _counting(offer, self._cart.lines) for offer in offers}
        self.counting = {key: frozenset(self._cart.lines[at].line_id for at in found) for key, found in named.items()}
        counting = set().union(*self.counting.values())
        self._back = [line for line in self._cart.lines if line.line_id in counting and units.get(line.line_id)]
        self._units = [units[line.line_id] for line in self._back]

    def priced(self, rest: Mapping[str, int]) -> Answer | None:
        """The price of so many units of each line with the offers of the order; None where no goods are left to price."""
        lines = tuple(replace(line, quantity=rest[line.line_id]) for line in self._cart.lines if rest.get(line.line_id))
        return reprice(replace(self._cart, lines=lines, shipping_fee=self._fee), self._offers) if lines else None

    def price(self) -> int:
        """What is kept costs so much, in whatever split the rest came back."""
        kept = sum(line.unit_price * self.rest.get(line.line_id, 0) for line in self._sale.lines)
        if prod(units + 1 for units in self._units) * len(self._cart.lines) > MOST_LINES:
            return kept - self._off((0,) * len(self._back))
        back = [(line.unit_price, units) for line, units in zip(self._back, self._units, strict=True)]
        return _steady_price(kept, back, self._off)

    def _off(self, added: Sequence[int]) -> int:
        """What the offers take off what is kept and so many more units of the lines that came back."""
        rest = dict(self.rest)
        for line, units in zip(self._back, added, strict=True):
            rest[line.line_id] = rest.get(line.line_id, 0) + units
        answer = self.priced(rest)
        return sum(self.fees.values()) if answer is None else sum(use.amount for use in answer.uses)


def _counting(offer: Offer, lines: Sequence[Line]) -> set[int]:
    """Positions of the lines that count for an offer: its own goods, and those of its threshold and its benefit."""
    terms, benefit = offer.terms, offer.terms.benefit
    scopes = [terms.scope, terms.threshold.scope]
    scopes += [benefit.buy.scope, benefit.get.scope] if isinstance(benefit, BuyGet) else []
    return {at for scope in scopes if scope is not None for at in lines_in(scope, lines)}


def _steady_price(kept: int, back: Sequence[tuple[int, int]], off: Callable[[Added], int]) -> int:
    """What goods of the price `kept` cost, of an order of which the `back` lines (unit price, units) came back.

    `off` is what the offers take off them together with so many of those units. The discount counts as the least that these and
    any more goods of the order would have; and the goods cost no more than together with others they would. So in whatever
    split the units come back, the refunds add up to the same.
    """
    least: dict[Added, int] = {}
    prices = []
    # From all units down to none: what holds more units is known before what holds fewer.
    for added in product(*(range(units, -1, -1) for _, units in back)):
        with_one_more = [
            least[*added[:at], units + 1, *added[at + 1 :]] for at, units in enumerate(added) if units < back[at][1]
        ]
        least[added] = min([off(added), *with_one_more])
        prices.append(kept + sum(price * units for (price, _), units in zip(back, added, strict=True)) - least[added])
    return min(prices)
