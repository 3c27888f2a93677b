"""One offer on one cart: thresholds, what it takes off, how that is shared out, why it takes nothing. Pure.

An offer is compiled against the cart once, into plain integers; the search then asks it
thousands of times. It never takes a line below its floor, and what it takes is exactly the sum of its shares.
"""

from collections.abc import Sequence
from datetime import datetime

from services.coupon.pricing.apportionment import apportion, pour
from services.coupon.pricing.benefit_rule import Goods, Now, Short, Taking
from services.coupon.pricing.benefits import rule_of
from services.coupon.pricing.offers import ExtraLine, Offer, PromisedCashBack, Refusal, Use
from services.coupon.pricing.state import Numbers, State
from services.coupon.templates.benefits import WHOLE, AmountOff, CashBack, Exchange, FixedPrice, Gift
from services.coupon.templates.terms import LAYERS

Order = tuple[int, int, bool, datetime, str]
"""Sorts offers by application: layer, priority (high first), percentages before amounts, then expiry and id."""
Taken = tuple[State, int, int]
"""Shares of the state, their sum, and the worth of what is no money now: units of gifts, minor units of cash-back."""
LAST = len(LAYERS)
"""Cash-back stands behind all layers, for it is computed on what is paid."""
_POSITIONS = {layer: position for position, layer in enumerate(LAYERS)}
SHIPPING_LAYER = _POSITIONS["shipping"]


class Compiled:
    """An offer on a cart. `refusal` says why it can never take anything here; else `take` is to be asked."""

    __slots__ = (
        "_basis",
        "_calculation",
        "_counted",
        "_fixed",
        "_numbers",
        "_one_by_one",
        "_pieces",
        "_rule",
        "_taking",
        "_wanted",
        "ceiling",
        "eligible",
        "extra",
        "limit",
        "offer",
        "order",
        "refusal",
        "shipping",
        "touched",
    )

    def __init__(self, offer: Offer, numbers: Numbers) -> None:
        terms = offer.terms
        benefit = terms.benefit
        if offer.face_amount is not None and isinstance(benefit, AmountOff):
            benefit = benefit.model_copy(update={"amount": offer.face_amount})
        self.offer, self._numbers = offer, numbers
        self.order = _order(offer)
        self.eligible = numbers.named(terms.scope)
        self.ceiling = self.shipping = self.extra = 0
        self._one_by_one = False
        self.limit, self._basis = terms.threshold.amount, terms.threshold.basis
        own = terms.threshold.scope
        self._counted = self.eligible if own is None else numbers.named(own)
        self._pieces = sum(numbers.quantities[index] for index in self._counted)
        self._calculation = "running" if terms.stacking.calculation == "sequential" else self._basis
        prices = numbers.list_prices if self._basis == "list" else numbers.prices
        self._rule = rule_of(benefit, Goods(numbers.cart.lines, numbers.quantities, prices, self.eligible))
        self.touched: Sequence[int] = self._rule.lines
        self._fixed = "running" not in (self._calculation, self._basis) and not isinstance(benefit, CashBack)
        self._taking: Taking | None = None
        self._wanted: list[tuple[int, int, int, int]] | None = None
        self.refusal = self._first_look()

    @property
    def guard(self) -> Sequence[int] | None:
        """Lines whose balance a running threshold looks at; None when no discount before can undo the threshold."""
        return self._counted if self._basis == "running" and self.limit is not None else None

    @property
    def fixed(self) -> bool:
        """True when its shares before caps are the same whatever was applied before."""
        return self._wanted is not None

    def take(self, state: State) -> Taken | None:
        """What the offer takes of this state; None when that is nothing."""
        taking, wanted = self._taking, self._wanted
        if taking is None:
            if self.limit is not None and self._missing(state):
                return None
            now = self._rule.take(self._now(state))
            if isinstance(now, Short):
                return None
            taking = now
        if wanted is None:
            wanted = self._shared(taking, state)
        floors, shares, total = self._numbers.floors, [0] * len(state), 0
        for index, share, units, quantity in wanted:
            room = state[index] - floors[index]
            if units != quantity:
                room = room * units // quantity
            if room < share:
                share = room
            if share > 0:
                shares[index] = share
                total += share
        extra = taking.gifts + taking.cash_back
        return (tuple(shares), total, extra) if total or extra else None

    def most_per_line(self) -> Sequence[tuple[int, int]]:
        """Of each line that may be touched (position, amount): the most that it can lose, whatever was applied before.

        Fixed shares can only be lowered by caps. The others may shift between lines, but never beyond what a line has.
        """
        start, floors = self._numbers.start, self._numbers.floors
        if self._wanted is not None:
            return [
                (index, min(share, (start[index] - floors[index]) * units // quantity))
                for index, share, units, quantity in self._wanted
            ]
        return [(index, min(self.ceiling, start[index] - floors[index])) for index in self.touched]

    def rates(self) -> Sequence[tuple[int, float]] | None:
        """Of each touched line (position, portion): its share is this portion of what it holds, but for `rounding` in all.

        None when that is not so: the shares are fixed, or shared out by pieces, or move to other lines when one is full.
        """
        rule, stacking, numbers = self._rule, self.offer.terms.stacking, self._numbers
        if rule.rate_bp is None or self._calculation != "running":
            return None
        shifting = stacking.overflow == "redistribute" and any(numbers.floors[index] for index in rule.lines)
        if not self._one_by_one and (shifting or stacking.share_by == "quantity"):
            return None
        return [
            (index, rule.rate_bp * count / (numbers.quantities[index] * WHOLE))
            for index, count in zip(rule.lines, rule.units, strict=True)
        ]

    @property
    def rounding(self) -> float:
        """By how much the shares may sum to more than the portions of `rates` do."""
        return self._rule.rounding

    def lows(self) -> Sequence[tuple[int, int, float]] | None:
        """Of each touched line (position, amount, portion): it takes this portion of what is above the amount, not more.

        None for kinds without a price.
        """
        low = self._rule.low
        if low is None or self._calculation != "running":
            return None
        quantities = self._numbers.quantities
        return [
            (index, low * quantities[index], count / quantities[index])
            for index, count in zip(self._rule.lines, self._rule.units, strict=True)
        ]

    def use(self, state: State) -> Use | Refusal:
        """The same as `take`, told in full."""
        taken = self.take(state)
        if taken is None:
            return self.why(state)
        taking = self._taking or self._rule.take(self._now(state))
        assert isinstance(taking, Taking)  # noqa: S101 - else `take` had answered None
        shares = taken[0]
        gifts, cash_back = _extras(self.offer, taking)
        return Use(self.offer, shares[:-1], shares[-1], gifts, cash_back, taking.next_step)

    def why(self, state: State) -> Refusal:
        """Why the offer takes nothing of this state."""
        currency = self._numbers.cart.currency
        if not self.eligible:
            return Refusal.of("out_of_scope")
        missing = self._missing(state)
        if missing:
            return Refusal.of("below_threshold:amount", currency=currency, missing_amount=missing)
        pieces = self.offer.terms.threshold.quantity or 0
        if self._pieces < pieces:
            return Refusal.of("below_threshold:quantity", missing_quantity=pieces - self._pieces)
        taking = self._rule.take(self._now(state))
        if isinstance(taking, Short):
            amount, quantity = taking.missing_amount, taking.missing_quantity
            return Refusal.of(taking.key, currency=currency, missing_amount=amount, missing_quantity=quantity)
        if self.order[0] == SHIPPING_LAYER and not self.touched:
            return Refusal.of("no_effect:shipping")
        if isinstance(self.offer.terms.benefit, FixedPrice) and not any(taking.each or ()):
            return Refusal.of("no_effect:price")
        return Refusal.of("no_effect")

    def _missing(self, state: State) -> int:
        """What is missing to the amount of the threshold; 0 when it is reached."""
        return max(self.limit - self._reached(state), 0) if self.limit is not None else 0

    def _amounts(self, basis: str, state: State) -> State:
        if basis == "running":
            return state
        return self._numbers.start if basis == "activity" else self._numbers.listed

    def _reached(self, state: State) -> int:
        amounts = self._amounts(self._basis, state)
        return sum([amounts[index] for index in self._counted])

    def _now(self, state: State) -> Now:
        amounts = self._amounts(self._calculation, state)
        shipping = state[-1] if self._calculation == "running" else self._numbers.start[-1]
        return Now(amounts, self._reached(state), self._pieces, shipping, state)

    def _first_look(self) -> Refusal | None:
        """Ask once before anything is applied. No rule wants more later, so nothing now is nothing for ever."""
        start = self._numbers.start
        quantity = self.offer.terms.threshold.quantity
        if not self.eligible or (quantity is not None and self._pieces < quantity) or self._missing(start):
            return self.why(start)
        taking = self._rule.take(self._now(start))
        if isinstance(taking, Short):
            return self.why(start)
        floors = self._numbers.floors
        room = sum(max(start[index] - floors[index], 0) for index in self.touched)
        self.ceiling = min(taking.amount if taking.each is None else sum(taking.each), room)
        self.extra = taking.gifts + taking.cash_back
        self._one_by_one = taking.each is not None
        self.shipping = min(taking.shipping, start[-1])
        if not (self.ceiling or self.shipping or self.extra):
            return self.why(start)
        if self._fixed:
            self._taking = taking
            if taking.each is not None or self.offer.terms.stacking.overflow == "drop" or not taking.amount:
                self._wanted = self._shared(taking, start)
        return None

    def _shared(self, taking: Taking, state: State) -> list[tuple[int, int, int, int]]:
        """Each touched line with its share before caps, the units that are touched, and all its units."""
        if taking.shipping:
            return [(len(state) - 1, taking.shipping, 1, 1)]
        quantities, rule = self._numbers.quantities, self._rule
        shares = self._apportioned(taking.amount, state) if taking.each is None else taking.each
        return [
            (index, share, count, quantities[index])
            for index, share, count in zip(rule.lines, shares, rule.units, strict=True)
            if share
        ]

    def _apportioned(self, amount: int, state: State) -> Sequence[int]:
        rule, quantities, floors = self._rule, self._numbers.quantities, self._numbers.floors
        if not amount:
            return [0] * len(rule.lines)
        stacking, weights = self.offer.terms.stacking, rule.units
        if stacking.share_by == "amount":
            weights = _weights(self._amounts(self._calculation, state), rule.lines, rule.units, quantities)
        if stacking.overflow == "drop":
            return apportion(weights, amount)
        caps = [
            max(state[index] - floors[index], 0) * count // quantities[index]
            for index, count in zip(rule.lines, rule.units, strict=True)
        ]
        return pour(weights, amount, caps)


def _weights(amounts: State, lines: Sequence[int], units: Sequence[int], quantities: Sequence[int]) -> list[int]:
    """The touched units' part of each line's amount; times the quantities that do not divide it, so that it is an integer."""
    scale = 1
    for index, count in zip(lines, units, strict=True):
        if amounts[index] * count % quantities[index]:
            scale *= quantities[index]
    return [amounts[index] * count * scale // quantities[index] for index, count in zip(lines, units, strict=True)]


def _order(offer: Offer) -> Order:
    benefit, stacking = offer.terms.benefit, offer.terms.stacking
    layer = LAST if isinstance(benefit, CashBack) else _POSITIONS[stacking.layer]
    return (layer, -stacking.priority, not benefit.percentage, offer.expires_at, offer.id)


def _extras(offer: Offer, taking: Taking) -> tuple[tuple[ExtraLine, ...], PromisedCashBack | None]:
    benefit = offer.terms.benefit
    if isinstance(benefit, Gift):
        return (ExtraLine(offer.id, taking.gifts, sku=benefit.sku),), None
    if isinstance(benefit, Exchange) and taking.gifts:
        return (ExtraLine(offer.id, taking.gifts, product_id=benefit.product_id),), None
    if isinstance(benefit, CashBack):
        return (), PromisedCashBack(offer.id, taking.cash_back, benefit.valid_days)
    return (), None
