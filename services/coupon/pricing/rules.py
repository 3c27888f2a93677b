"""One offer on one cart: thresholds, what it takes off, how that is shared out, why it takes nothing. Pure.

An offer is compiled against the cart once, into plain integers; the search then asks it
thousands of times. It never takes a line below its floor, and what it takes is exactly the sum of its shares.
"""

from collections.abc import Sequence
from datetime import datetime

from services.coupon.pricing.benefit_rule import Goods, Now, Pick, Short, Taking
from services.coupon.pricing.benefits import rule_of
from services.coupon.pricing.offers import ExtraLine, Offer, PromisedCashBack, Refusal, Shares, Use
from services.coupon.pricing.shares import Pile, Placing
from services.coupon.pricing.state import Amounts, Numbers, State, Taken
from services.coupon.pricing.units import Piece
from services.coupon.templates.benefits import WHOLE, AmountOff, CashBack, Exchange, FixedPrice, Gift
from services.coupon.templates.terms import LAYERS

Order = tuple[int, int, bool, datetime, str]
"""Sorts offers by application: layer, priority (high first), percentages before amounts, then expiry and id."""
LAST = len(LAYERS)
"""Cash-back stands behind all layers, for it is computed on what is paid."""
_POSITIONS = {layer: position for position, layer in enumerate(LAYERS)}
SHIPPING_LAYER = _POSITIONS["shipping"]
_AMOUNT, _PIECES, _BUNDLE = "below_threshold:amount", "below_threshold:quantity", "below_threshold:bundle"


class Compiled:
    """An offer on a cart. `refusal` says why it can never take anything here; else `take` is to be asked."""

    __slots__ = (
        "_basis",
        "_calculation",
        "_counted",
        "_fixed",
        "_last",
        "_number",
        "_numbers",
        "_placing",
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
        self.limit, self._basis = terms.threshold.amount, terms.threshold.basis
        own = terms.threshold.scope
        self._counted = self.eligible if own is None else numbers.named(own)
        self._number = sum([numbers.quantities[index] for index in self._counted])
        self._calculation = "running" if terms.stacking.calculation == "sequential" else self._basis
        prices = numbers.list_prices if self._basis == "list" else numbers.prices
        self._rule = rule_of(benefit, Goods(numbers.lines, numbers.quantities, prices, self.eligible))
        self.touched: Sequence[int] = self._rule.piles
        self._placing = Placing(numbers, terms.stacking, singly=self._rule.singly)
        on_balances = "running" in (self._calculation, self._basis) or isinstance(benefit, CashBack)
        self._fixed = self._rule.pick is None and not on_balances
        self._taking: Taking | None = None
        self._last: tuple[State, tuple[Taken, Taking] | None] | None = None
        self._wanted: list[tuple[int, int]] | None = None
        self.refusal = self._first_look()

    @property
    def guard(self) -> Sequence[int] | None:
        """Lines whose balance a running threshold looks at; None when no discount before can undo the threshold."""
        return self._counted if self._basis == "running" and self.limit is not None else None

    @property
    def priority(self) -> int:
        """Its rank among offers that exclude each other."""
        return self.offer.terms.stacking.priority

    @property
    def insists(self) -> bool:
        """True when it goes before those of lower rank that it excludes, whatever they would take."""
        return self.offer.terms.stacking.choice == "priority"

    @property
    def fixed(self) -> bool:
        """True when its shares before caps are the same whatever was applied before."""
        return self._wanted is not None

    @property
    def splits(self) -> bool:
        """True when it may touch some units of a pile and leave the others."""
        return self._rule.pick is not None

    def take(self, state: State) -> Taken | None:
        """What the offer takes of this state; None when that is nothing."""
        found = self.found(state)
        return None if found is None else found[0]

    def found(self, state: State) -> tuple[Taken, Taking] | None:
        """The same, with what its kind wanted."""
        if not self.splits:
            return self._found(state)
        # Choosing units costs most of all, and a search comes to the first states again and again.
        if self._last is None or self._last[0] != state:
            self._last = state, self._found(state)
        return self._last[1]

    def _found(self, state: State) -> tuple[Taken, Taking] | None:
        taking, rule, pieces = self._taking, self._rule, None
        if taking is None:
            if self.limit is not None and self._missing(state):
                return None
            pieces = self._pieces(state) if rule.singly or self.splits else None
            now = rule.take(self._now(state, pieces or ()))
            if isinstance(now, Short):
                return None
            taking = now
        if pieces is not None and (self.splits or not state.runs.keys().isdisjoint(self.touched)):
            shares, runs = self._placing.of_pieces(state, taking, pieces)
        else:
            wanted = self._shared(taking, state) if self._wanted is None else self._wanted
            shares, runs = self._placing.of_piles(state, wanted, self._on(state))
        money, extra = sum(shares), taking.gifts + taking.cash_back
        return (Taken(tuple(shares), money, extra, runs), taking) if money or extra else None

    def most_per_pile(self) -> Sequence[tuple[int, int]]:
        """Of each pile that may be touched (position, amount): the most that it can lose, whatever was applied before.

        Fixed shares can only be lowered by caps. The others may shift between piles, but never beyond what a pile has.
        """
        start, floors = self._numbers.start.left, self._numbers.floors
        if self._wanted is not None:
            return [(index, min(share, start[index] - floors[index])) for index, share in self._wanted]
        return [(index, min(self.ceiling, start[index] - floors[index])) for index in self.touched]

    def rates(self) -> Sequence[tuple[int, float]] | None:
        """Of each touched pile (position, portion): its share is this portion of what it holds, but for `rounding` in all.

        None when that is not so: the shares are fixed, of some units only (which may hold more than the others), shared out by
        pieces, or move to other piles when one is full.
        """
        rule, stacking, floors = self._rule, self.offer.terms.stacking, self._numbers.floors
        if rule.rate_bp is None or self._calculation != "running" or self.splits:
            return None
        shifting = stacking.overflow == "redistribute" and any(floors[index] for index in rule.piles)
        if not rule.singly and (shifting or stacking.share_by == "quantity"):
            return None
        return [(index, rule.rate_bp / WHOLE) for index in rule.piles]

    @property
    def rounding(self) -> float:
        """By how much the shares may sum to more than the portions of `rates` do."""
        return self._rule.rounding

    @property
    def low(self) -> int | None:
        """The price of a unit below which it takes nothing; None for kinds without a price."""
        return self._rule.low if self._calculation == "running" else None

    def told(self, shares: Shares, taken: Taken, taking: Taking) -> Use:
        """The use of the offer, of which these are the shares of the cart's lines."""
        gifts, cash_back = _extras(self.offer, taking)
        return Use(self.offer, shares, taken.shares[-1], gifts, cash_back, taking.next_step)

    def why(self, state: State) -> Refusal:
        """Why the offer takes nothing of this state; where conditions are not met, all of them."""
        taking = self._rule.take(self._now(state, self._pieces(state)))
        conditions = self._unmet(state, taking)
        if conditions or isinstance(taking, Short):
            return Refusal.of_all(conditions)
        if self.order[0] == SHIPPING_LAYER and not self.touched:
            return Refusal.of("no_effect:shipping")
        if isinstance(self.offer.terms.benefit, FixedPrice) and not any(taking.each or ()):
            return Refusal.of("no_effect:price")
        return Refusal.of("no_effect")

    def _unmet(self, state: State, taking: Taking | Short) -> list[Refusal]:
        """The conditions that this state does not meet, with what is missing to each."""
        found = [] if self.eligible else [Refusal.of("out_of_scope", missing_quantity=1)]
        short = taking if isinstance(taking, Short) else Short(_AMOUNT)
        own = () if short.key == _BUNDLE else (short.missing_amount or 0, short.missing_quantity or 0)
        amount = max([self._missing(state), *own[:1]])
        pieces = max([(self.offer.terms.threshold.quantity or 0) - self._number, 0, *own[1:]])
        if amount or pieces:
            found.append(_below(amount or None, pieces or None, self._numbers.cart.currency))
        if short.key == _BUNDLE:
            found.append(Refusal.of(_BUNDLE, missing_quantity=short.missing_quantity))
        return found

    def _missing(self, state: State) -> int:
        """What is missing to the amount of the threshold; 0 when it is reached."""
        return max(self.limit - self._reached(state), 0) if self.limit is not None else 0

    def _amounts(self, basis: str, state: State) -> Amounts:
        if basis == "running":
            return state.left
        return self._numbers.start.left if basis == "activity" else self._numbers.listed

    def _reached(self, state: State) -> int:
        amounts = self._amounts(self._basis, state)
        return sum([amounts[index] for index in self._counted])

    def _on(self, state: State) -> Amounts | None:
        """What the offer computes on, per pile; None stands for what is left."""
        return None if self._calculation == "running" else self._amounts(self._calculation, state)

    def _pieces(self, state: State, pick: Pick | None = None) -> Sequence[Piece]:
        """The units that the offer touches."""
        basis = self._on(state)
        pieces = [piece for index in self.touched for piece in self._numbers.pieces(state, index, basis)]
        pick = pick or self._rule.pick
        return pieces if pick is None else pick(pieces)

    def _now(self, state: State, pieces: Sequence[Piece]) -> Now:
        amounts = self._amounts(self._calculation, state)
        shipping = (state if self._calculation == "running" else self._numbers.start).left[-1]
        return Now(amounts, self._reached(state), self._number, shipping, state.left, pieces)

    def _first_look(self) -> Refusal | None:
        """Ask once before anything is applied. No rule wants more later, so nothing now is nothing for ever."""
        start, floors = self._numbers.start, self._numbers.floors
        quantity = self.offer.terms.threshold.quantity
        if not self.eligible or (quantity is not None and self._number < quantity) or self._missing(start):
            return self.why(start)
        taking = self._rule.take(self._now(start, self._widest()))
        if isinstance(taking, Short):
            return self.why(start)
        room = sum([max(start.left[index] - floors[index], 0) for index in self.touched])
        self.ceiling = min(taking.amount if taking.each is None else sum(taking.each), room)
        self.extra = taking.gifts + taking.cash_back
        self.shipping = min(taking.shipping, start.left[-1])
        if not (self.ceiling or self.shipping or self.extra):
            return self.why(start)
        if self._fixed:
            self._taking = taking
            if taking.each is not None or self.offer.terms.stacking.overflow == "drop" or not taking.amount:
                self._wanted = self._shared(taking, start)
        return None

    def _widest(self) -> Sequence[Piece]:
        """The units of the whole cart of which the offer can take most, whatever other offers leave."""
        rule, start = self._rule, self._numbers.start
        if rule.pick is None:
            return self._pieces(start) if rule.singly else ()
        pick = rule.widest or rule.pick
        return self._pieces(
            start, lambda pieces: pick([piece._replace(left=piece.amount, room=piece.amount) for piece in pieces])
        )

    def _shared(self, taking: Taking, state: State) -> list[tuple[int, int]]:
        """Each touched pile with its share before caps."""
        if taking.shipping:
            return [(len(state.left) - 1, taking.shipping)]
        shares = taking.each
        if shares is None:
            if not taking.amount:
                return []
            amounts, numbers = self._amounts(self._calculation, state), self._numbers
            piles = [
                Pile(amounts[index], numbers.quantities[index], state.left[index] - numbers.floors[index])
                for index in self.touched
            ]
            shares = self._placing.among(taking.amount, piles)
        return [(index, share) for index, share in zip(self.touched, shares, strict=True) if share]


def _below(amount: int | None, pieces: int | None, currency: str) -> Refusal:
    """The thresholds of an offer and of its benefit in one: the more of both is what is missing."""
    key = _AMOUNT if pieces is None else _PIECES if amount is None else "below_threshold:both"
    return Refusal.of(key, currency=currency, missing_amount=amount, missing_quantity=pieces)


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
