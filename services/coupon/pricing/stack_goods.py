"""The goods on which offers of a stack meet: sorts that as many of them name as there may be. Pure."""

from collections.abc import Sequence
from itertools import chain, combinations
from typing import NamedTuple

from services.coupon.pricing.cart import Line, lines_in
from services.coupon.pricing.named_goods import ANY, Sort, dimensions
from services.coupon.pricing.strengths import Region, Strength
from services.coupon.templates.benefits import BundlePrice

MOST_TOGETHER = 5
"""Sorts of goods that are put into one cart."""
_MANY = 30
"""Beyond so many sorts those are left out that only name what another sort's goods are named by too."""


class Shelf(NamedTuple):
    """A sort of goods, how many units of it go together, and the offers that take something off it."""

    sort: Sort
    units: int
    offers: tuple[Strength, ...]
    ids: frozenset[str]
    """Those of the offers."""
    alike: object
    """The same for goods that are the same to all offers: bundles and exchange vouchers name products or SKUs of their own."""


def meeting(new: Strength, others: Sequence[Strength]) -> list[tuple[Shelf, ...]]:
    """What to fill carts with so that the new offer may meet the others: one sort, the several that an offer asks for, and
    several of which all may be taken."""
    ranked = [new, *sorted(others, key=lambda one: -one.portion)]
    known: dict[Region, Shelf | None] = {}
    asked: list[tuple[Shelf, ...]] = []
    covered: set[str] = set()
    complete = False
    for one in ranked:
        plain = one.regions == one.own == ((one.scope,),)
        if plain and (complete or (len(known) > _MANY and one.offer.id in covered)):
            continue
        for region in one.regions:
            if region not in known:
                known[region] = found = _goods(region, ranked)
                covered |= found.ids if found is not None else set()
        parts = [part for region in one.regions if (part := known[region]) is not None]
        if len(parts) == len(one.regions) > 1:
            asked.append(_together(one, parts))
        complete = complete or any(len(part.ids) == len(ranked) for part in parts)
    alone = {part.alike: part for part in known.values() if part is not None}
    free = sorted((part for part in alone.values() if _all_may_go(part)), key=_together_take, reverse=True)
    some = free[:MOST_TOGETHER]
    mixed = [pair for size in range(2, len(some) + 1) for pair in combinations(some, size)]
    fillings = [*((one,) for one in free), *asked, *mixed]
    return [filling for filling in fillings if any(new.offer.id in part.ids for part in filling)]


def _goods(region: Region, ranked: Sequence[Strength]) -> Shelf | None:
    """Goods of that region which the offers name as well, the strongest first, wherever that is possible."""
    sort: Sort | None = ANY
    for scope in region:
        sort = None if sort is None else sort.narrowed(scope)
    if sort is None:
        return None
    near = ranked
    for dimension, names in chain.from_iterable(dimensions(scope).items() for scope in region):
        near = [one for one in near if dimension not in one.named or not names.isdisjoint(one.named[dimension])]
    for one in near:
        sort = sort.narrowed(one.scope) or sort
    line = sort.line("", 1, 1)
    offers = tuple(one for one in near if any(_named(line, own) for own in one.own))
    ids = frozenset(one.offer.id for one in offers)
    return Shelf(sort, 1, offers, ids, (ids, line.product_id, line.sku))


def _named(line: Line, region: Region) -> bool:
    return all(lines_in(scope, [line]) for scope in region)


def _together(one: Strength, parts: Sequence[Shelf]) -> tuple[Shelf, ...]:
    benefit = one.offer.terms.benefit
    if isinstance(benefit, BundlePrice):
        return tuple(part._replace(units=count) for part, count in zip(parts, benefit.skus.values(), strict=True))
    return tuple({part.alike: part for part in parts}.values())


def _together_take(part: Shelf) -> float:
    """The sum of what the offers can take, of those that exclude each other the most."""
    most: dict[str, float] = {}
    for one in counting(part.offers):
        most[one.key] = max(most.get(one.key, 0), one.portion)
    return sum(most.values())


def counting(offers: Sequence[Strength]) -> Sequence[Strength]:
    """The offers that may decide whether equal units are free.

    Where all others take as much of each unit, whole units that one offer gives leave the others as dear as they were.
    """
    others = [one for one in offers if not one.gives_units]
    return others if len(others) == len(offers) - 1 and all(one.even for one in others) else offers


def _all_may_go(part: Shelf) -> bool:
    return _together_take(part) > 1 - 1e-9
