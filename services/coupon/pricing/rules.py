"""What one coupon takes off a cart: eligibility of lines, threshold, amount, shares. Pure.

A cart is a sequence of lines; its state while coupons are applied one after the other is `running`: what is left to pay
of each line. A discount never takes a line below its floor, and what it takes is exactly the sum of its shares.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from services.coupon.pricing.apportionment import Weight, apportion, cut, pour
from services.coupon.pricing.cart import Line, lines_in, on_basis
from services.coupon.pricing.offers import Offer, Refusal
from services.coupon.templates.benefits import AmountOff, PercentOff
from services.coupon.templates.terms import LAYERS
from shared.money import round_half_up

Running = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Prepared:
    """An offer with the lines of one cart that it touches and that its threshold counts."""

    offer: Offer
    lines: Sequence[Line]
    eligible: tuple[int, ...]
    counted: tuple[int, ...]

    @property
    def benefit(self) -> AmountOff | PercentOff:
        benefit = self.offer.terms.benefit
        if not isinstance(benefit, AmountOff | PercentOff):
            raise NotImplementedError(f"templates do not accept {benefit.kind}")
        return benefit

    @property
    def order(self) -> tuple[object, ...]:
        """Application order: layer, priority (high first), percentages before amounts, then expiry and id."""
        stacking = self.offer.terms.stacking
        by_kind = 0 if isinstance(self.benefit, PercentOff) else 1
        return (
            LAYERS.index(stacking.layer),
            -stacking.priority,
            by_kind,
            self.offer.expires_at,
            self.offer.id,
        )


def prepare(offer: Offer, lines: Sequence[Line]) -> Prepared:
    eligible = lines_in(offer.terms.scope, lines)
    own = offer.terms.threshold.scope
    return Prepared(offer, lines, eligible, eligible if own is None else lines_in(own, lines))


def discount(prepared: Prepared, running: Running) -> Running | Refusal:
    """The offer's share of each line (0 where it takes nothing), given what is left of the lines."""
    if not prepared.eligible:
        return Refusal.of("out_of_scope")
    refusal = below_threshold(prepared, running)
    if refusal is not None:
        return refusal
    units = _units(prepared, running)
    caps = [
        max(running[index] - prepared.lines[index].floor, 0) * units[position] // prepared.lines[index].quantity
        for position, index in enumerate(prepared.eligible)
    ]
    given = _given(prepared, _bases(prepared, running, units), units, caps)
    if not any(given):
        return Refusal.of("no_effect")
    shares = [0] * len(running)
    for position, index in enumerate(prepared.eligible):
        shares[index] = given[position]
    return tuple(shares)


def below_threshold(prepared: Prepared, running: Running) -> Refusal | None:
    """Says what is missing to the threshold; None when it is reached."""
    threshold = prepared.offer.terms.threshold
    lines = prepared.lines
    if threshold.amount is not None:
        reached = sum(on_basis(lines[index], threshold.basis, running[index]) for index in prepared.counted)
        if reached < threshold.amount:
            missing = threshold.amount - reached
            return Refusal.of("below_threshold:amount", missing_amount=missing)
    if threshold.quantity is not None:
        units = sum(lines[index].quantity for index in prepared.counted)
        if units < threshold.quantity:
            missing = threshold.quantity - units
            return Refusal.of("below_threshold:quantity", missing_quantity=missing)
    return None


def ceiling(prepared: Prepared, running: Running) -> int:
    """The discount before any line's cap. It never grows while `running` falls, so it bounds what may still come."""
    benefit = prepared.benefit
    units = _units(prepared, running)
    bases = _bases(prepared, running, units)
    return sum(_each(benefit, bases, units)) if benefit.per != "order" else _whole(benefit, sum(bases))


def _bases(prepared: Prepared, running: Running, units: Sequence[int]) -> list[Weight]:
    """The amount that the benefit is computed on, for the touched units of each eligible line."""
    terms = prepared.offer.terms
    basis = "running" if terms.stacking.calculation == "sequential" else terms.threshold.basis
    bases: list[Weight] = []
    for position, index in enumerate(prepared.eligible):
        line = prepared.lines[index]
        amount = on_basis(line, basis, running[index])
        whole = units[position] == line.quantity
        bases.append(amount if whole else Fraction(amount * units[position], line.quantity))
    return bases


def _units(prepared: Prepared, running: Running) -> list[int]:
    """How many units of each eligible line the benefit touches: all, or the dearest `max_units`."""
    left = prepared.benefit.max_units
    quantities = [prepared.lines[index].quantity for index in prepared.eligible]
    if left is None:
        return quantities
    bases = _bases(prepared, running, quantities)
    dearest = sorted(
        range(len(bases)), key=lambda position: (-Fraction(bases[position]) / quantities[position], position)
    )
    units = [0] * len(quantities)
    for position in dearest:
        units[position] = min(quantities[position], left)
        left -= units[position]
    return units


def _given(prepared: Prepared, bases: Sequence[Weight], units: Sequence[int], caps: Sequence[int]) -> list[int]:
    terms = prepared.offer.terms
    benefit = prepared.benefit
    if benefit.per != "order":
        return cut(_each(benefit, bases, units), caps)
    weights: Sequence[Weight] = units if terms.stacking.share_by == "quantity" else bases
    amount = _whole(benefit, sum(bases))
    if terms.stacking.overflow == "redistribute":
        return pour(weights, amount, caps)
    return cut(apportion(weights, amount), caps)


def _each(benefit: AmountOff | PercentOff, bases: Sequence[Weight], units: Sequence[int]) -> list[int]:
    """Shares of a benefit per line or per unit, before caps; a highest amount is shared out in their proportion."""
    if isinstance(benefit, AmountOff):
        return [benefit.amount * (count if benefit.per == "unit" else min(count, 1)) for count in units]
    if benefit.per == "line":
        wanted = [_portion(base, benefit.percent_bp) for base in bases]
    else:
        wanted = [
            count * _portion(Fraction(base) / count, benefit.percent_bp) if count else 0
            for base, count in zip(bases, units, strict=True)
        ]
    if benefit.max_amount is not None and sum(wanted) > benefit.max_amount:
        return apportion(wanted, benefit.max_amount)
    return wanted


def _whole(benefit: AmountOff | PercentOff, base: Weight) -> int:
    """The discount of a benefit per order, before it is shared out."""
    if isinstance(benefit, AmountOff):
        return benefit.amount
    amount = _portion(base, benefit.percent_bp)
    return amount if benefit.max_amount is None else min(amount, benefit.max_amount)


def _portion(base: Weight, basis_points: int) -> int:
    """Computed once on the whole and rounded half up."""
    return round_half_up(Fraction(base) * basis_points / 10_000)
