"""When the world is told that a SKU is low, sold out or back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.inventory.signals.rules import Place, Word, judged, low_at


@pytest.mark.parametrize(
    ("word", "units", "fell", "after", "told"),
    [
        ("new", 0, False, "new", None),
        ("new", 3, False, "low", None),
        ("new", 9, False, "plenty", None),
        ("new", 0, True, "sold_out", "sold_out"),
        ("new", 3, True, "low", "low"),
        ("plenty", 6, True, "plenty", None),
        ("plenty", 5, True, "low", "low"),
        ("plenty", 0, True, "sold_out", "sold_out"),
        ("low", 7, False, "low", None),
        ("low", 8, False, "plenty", None),
        ("low", 0, True, "sold_out", "sold_out"),
        ("sold_out", 0, True, "sold_out", None),
        ("sold_out", 1, False, "low", "back_in_stock"),
        ("sold_out", 6, False, "plenty", "back_in_stock"),
    ],
)
def test_words(word: Word, units: int, fell: bool, after: str, told: str | None) -> None:
    assert judged(word, units, 5, fell=fell) == (after, told)


def test_a_threshold_of_nothing_never_tells_low() -> None:
    assert judged("plenty", 1, 0, fell=True) == ("plenty", None)


@given(st.lists(st.integers(0, 30), max_size=60), st.integers(0, 12))
def test_nothing_is_told_twice_without_a_crossing_between(history: list[int], threshold: int) -> None:
    """Sold out only after a unit was there, back only after none was, low only after half as much again was, or a new start."""
    word: Word = "plenty"
    before, most, said_low = 31, 31, False
    for units in history:
        word, signal = judged(word, units, threshold, fell=units < before)
        most = max(most, units)
        if signal == "sold_out":
            assert units == 0 < before
        if signal == "back_in_stock":
            assert before == 0 < units
        if signal == "low":
            assert 0 < units <= threshold
            assert not said_low or most > threshold + max(1, threshold // 2)
            most, said_low = units, True
        assert (word == "sold_out") == (units == 0)
        before = units


@given(st.lists(st.integers(0, 9), min_size=1, max_size=40), st.integers(1, 9), st.integers(1, 9))
def test_unpaid_orders_that_come_and_go_tell_nothing(carts: list[int], stock: int, threshold: int) -> None:
    """What they hold is not sold: whatever they do, the figure that is judged stays."""
    word: Word = judged("plenty", stock, threshold, fell=True).word
    for cart in carts:
        held = min(cart, stock)
        place = Place("a", "w1", stock - held, held, None)
        assert judged(word, place.available + place.held, threshold, fell=False) == (word, None)


def test_the_threshold_is_the_sum_of_the_places_own_ones_or_the_default_once() -> None:
    def place(threshold: int | None) -> Place:
        return Place("a", "w1", 1, 0, threshold)

    assert low_at([place(None), place(None)], 5) == 5
    assert low_at([place(3), place(None)], 5) == 3
    assert low_at([place(3), place(4)], 5) == 7
    assert low_at([place(0)], 5) == 0
    assert low_at([], 5) == 5
