"""Where goods come from."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.inventory.ledger.rules import Level
from services.inventory.reservations.placement import Placed, Short, Shortage, demand, place

PLACES = ("w1", "w2", "w3")
SKUS = ("a", "b", "c")
stocks = st.dictionaries(st.tuples(st.sampled_from(SKUS), st.sampled_from(PLACES)), st.integers(0, 9))
asks = st.lists(
    st.tuples(st.sampled_from(SKUS), st.sampled_from((*PLACES, None)), st.integers(1, 12)), min_size=1, max_size=5
)
Stock = dict[tuple[str, str], int]
Lines = list[tuple[str, str | None, int]]


def run(stock: Stock, lines: Lines, active: bool = True, can_ship: bool = True) -> list[Placed] | Shortage:
    levels = {key: Level("l", *key, available=units, active=active, can_ship=can_ship) for key, units in stock.items()}
    by_sku: dict[str, list[Level]] = {}
    for level in levels.values():
        by_sku.setdefault(level.sku, []).append(level)
    return place(demand(lines), levels, by_sku)


def taken(places: list[Placed]) -> dict[tuple[str, str], int]:
    total: dict[tuple[str, str], int] = {}
    for part in places:
        total[part.sku, part.location_id] = total.get((part.sku, part.location_id), 0) + part.quantity
    return total


def possible(stock: Stock, lines: Lines) -> bool:
    """By arithmetic of its own: named demand fits its place, and the rest fits what is left of the SKU anywhere."""
    wanted = demand(lines)
    for sku in SKUS:
        named = {spot: units for (one, spot), units in wanted.items() if one == sku and spot is not None}
        if any(stock.get((sku, spot), 0) < units for spot, units in named.items()):
            return False
        left = sum(units for (one, _), units in stock.items() if one == sku) - sum(named.values())
        if left < wanted.get((sku, None), 0):
            return False
    return True


@given(stocks, asks)
def test_serves_exactly_what_is_possible_and_never_more_than_there_is(stock: Stock, lines: Lines) -> None:
    answer = run(stock, lines)
    assert isinstance(answer, list) == possible(stock, lines)
    if isinstance(answer, list):
        assert all(units <= stock[key] for key, units in taken(answer).items())
        for (sku, spot), units in demand(lines).items():
            parts = [one for one in answer if one.sku == sku and one.pinned == (spot is not None)]
            assert sum(one.quantity for one in parts if spot in (None, one.location_id)) == units
    else:
        assert answer.lines
        assert all(short.available < short.requested for short in answer.lines)


@given(stocks, asks)
def test_every_short_line_is_named(stock: Stock, lines: Lines) -> None:
    answer = run(stock, lines)
    if isinstance(answer, Shortage):
        wanted = demand(lines)
        named = {(short.sku, short.location_id) for short in answer.lines}
        for (sku, spot), units in wanted.items():
            alone = possible(stock, [(sku, spot, units)])
            assert alone or (sku, spot) in named


@given(stocks, st.lists(st.tuples(st.sampled_from(SKUS), st.none(), st.integers(1, 9)), min_size=1, max_size=4))
def test_one_parcel_when_one_place_has_everything(stock: Stock, lines: Lines) -> None:
    answer = run(stock, lines)
    wanted = demand(lines)
    whole = [spot for spot in PLACES if all(stock.get((sku, spot), 0) >= units for (sku, _), units in wanted.items())]
    if whole:
        assert isinstance(answer, list)
        (chosen,) = {one.location_id for one in answer}
        assert chosen in whole
        amount = {spot: sum(stock[sku, spot] for sku, _ in wanted) for spot in whole}
        assert amount[chosen] == max(amount.values())


def test_a_split_takes_the_largest_stock_first() -> None:
    answer = run({("a", "w1"): 3, ("a", "w2"): 3, ("a", "w3"): 3}, [("a", None, 5)])
    assert answer == [Placed("a", "w1", 3, False), Placed("a", "w2", 2, False)]


UNNAMED: dict[str, tuple[Stock, Lines, list[Placed]]] = {
    "the fullest place": (
        {("a", "w1"): 2, ("a", "w2"): 5, ("a", "w3"): 4},
        [("a", None, 2)],
        [Placed("a", "w2", 2, False)],
    ),
    "the first of equals, in whatever order they are read": (
        {("a", "w3"): 4, ("a", "w1"): 4, ("a", "w2"): 4},
        [("a", None, 4)],
        [Placed("a", "w1", 4, False)],
    ),
    "the last unit": ({("a", "w1"): 1}, [("a", None, 1)], [Placed("a", "w1", 1, False)]),
    "split, no place being full enough": (
        {("a", "w2"): 2, ("a", "w1"): 2, ("a", "w3"): 3},
        [("a", None, 6)],
        [Placed("a", "w3", 3, False), Placed("a", "w1", 2, False), Placed("a", "w2", 1, False)],
    ),
    "beside what is named, of the same units": (
        {("a", "w1"): 5, ("a", "w2"): 1},
        [("a", "w1", 3), ("a", None, 2)],
        [Placed("a", "w1", 3, True), Placed("a", "w1", 2, False)],
    ),
    "not of the units that are named": (
        {("a", "w1"): 5, ("a", "w2"): 2},
        [("a", "w1", 4), ("a", None, 2)],
        [Placed("a", "w1", 4, True), Placed("a", "w2", 2, False)],
    ),
    "two from one place, though each has a fuller one": (
        {("a", "w1"): 9, ("b", "w2"): 9, ("a", "w3"): 2, ("b", "w3"): 1},
        [("a", None, 2), ("b", None, 1)],
        [Placed("a", "w3", 2, False), Placed("b", "w3", 1, False)],
    ),
    "two from the place that has most of both": (
        {("a", "w1"): 2, ("b", "w1"): 5, ("a", "w2"): 9, ("b", "w2"): 3},
        [("a", None, 2), ("b", None, 3)],
        [Placed("a", "w2", 2, False), Placed("b", "w2", 3, False)],
    ),
    "two from the first of equal places": (
        {("a", "w2"): 3, ("b", "w2"): 3, ("a", "w1"): 2, ("b", "w1"): 4},
        [("a", None, 2), ("b", None, 3)],
        [Placed("a", "w1", 2, False), Placed("b", "w1", 3, False)],
    ),
    "two from two places, none having both": (
        {("a", "w1"): 3, ("b", "w2"): 3, ("b", "w1"): 2},
        [("a", None, 3), ("b", None, 3)],
        [Placed("a", "w1", 3, False), Placed("b", "w2", 3, False)],
    ),
}


@pytest.mark.parametrize("case", UNNAMED)
def test_a_line_without_a_place_gets(case: str) -> None:
    stock, lines, expected = UNNAMED[case]
    assert run(stock, lines) == expected


def test_places_that_do_not_ship_serve_only_lines_that_name_them() -> None:
    stock = {("a", "w1"): 5}
    assert run(stock, [("a", None, 1)], can_ship=False) == Shortage((Short("a", None, 1, 0),))
    assert run(stock, [("a", "w1", 1)], can_ship=False) == [Placed("a", "w1", 1, True)]
    assert run(stock, [("a", "w1", 1)], active=False) == Shortage((Short("a", "w1", 1, 0),))


def test_duplicates_are_one_demand() -> None:
    assert demand([("a", None, 2), ("a", "w1", 1), ("a", None, 3)]) == {("a", None): 5, ("a", "w1"): 1}
