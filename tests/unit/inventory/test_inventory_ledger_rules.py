"""The arithmetic of the ledger."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import String

from services.inventory.ledger.models import StockMovement
from services.inventory.ledger.rules import (
    COUNTERS,
    STATES,
    BelowZero,
    Level,
    Movement,
    State,
    move,
    replay,
    safety_shift,
    withdrawal,
)
from services.inventory.ledger.schemas import Reason

units = st.integers(0, 50)
levels = st.builds(
    Level,
    id=st.just("lvl"),
    sku=st.just("a"),
    location_id=st.just("w1"),
    safety_target=units,
    **dict.fromkeys(COUNTERS, units),
)
steps = st.tuples(st.sampled_from(STATES), st.sampled_from(STATES), st.integers(1, 60)).filter(lambda s: s[0] != s[1])


def movement(source: State, target: State, quantity: int, key: str = "k") -> Movement:
    return Movement("a", "w1", source, target, quantity, "test", key)


def figures(level: Level) -> dict[str, int]:
    return {counter: getattr(level, counter) for counter in COUNTERS}


@given(levels, steps)
def test_a_movement_conserves_units_or_changes_nothing(level: Level, step: tuple[State, State, int]) -> None:
    source, target, quantity = step
    before, on_hand = figures(level), level.on_hand
    try:
        move(level, movement(source, target, quantity))
    except BelowZero:
        assert before[source] < quantity
        assert figures(level) == before
        return
    physical = ("incoming", "outside")
    assert level.on_hand - on_hand == quantity * ((target not in physical) - (source not in physical))
    assert min(figures(level).values()) >= 0


NOTHING: list[tuple[State, State, int]] = [("held", "held", 1), ("available", "held", 0), ("held", "available", -1)]


@pytest.mark.parametrize(("source", "target", "quantity"), NOTHING)
def test_what_is_no_movement_is_refused(source: State, target: State, quantity: int) -> None:
    with pytest.raises(ValueError, match="not a movement"):
        move(Level("l", "a", "w1", available=5, held=5), movement(source, target, quantity))


@given(st.lists(steps, max_size=40))
def test_replaying_the_ledger_gives_the_level(history: list[tuple[State, State, int]]) -> None:
    level = Level("", "a", "w1")
    done = []
    for number, step in enumerate(history):
        one = movement(*step, key=str(number))
        try:
            move(level, one)
        except BelowZero:
            continue
        done.append(one)
    assert replay(done) == ({("a", "w1"): level} if done else {})


@given(levels, st.integers(0, 100))
def test_a_withdrawal_takes_available_before_safety(level: Level, quantity: int) -> None:
    if quantity > level.free:
        with pytest.raises(BelowZero):
            withdrawal(level, quantity)
        return
    parts = dict(withdrawal(level, quantity))
    assert sum(parts.values()) == quantity
    assert parts.get("safety", 0) == max(0, quantity - level.available)
    assert 0 not in parts.values()


@given(levels)
def test_safety_is_filled_from_free_units_only_and_once(level: Level) -> None:
    promised, free = (level.held, level.committed, level.on_hand), level.free
    shift = safety_shift(level)
    if shift:
        move(level, movement(*shift))
    assert level.safety == min(level.safety_target, free)
    assert (level.held, level.committed, level.on_hand) == promised
    assert safety_shift(level) is None


def test_every_reason_of_an_adjustment_fits_its_column() -> None:
    """SQLite would store a longer one, PostgreSQL would refuse it."""
    column = StockMovement.table.c.reason.type
    assert isinstance(column, String)
    assert column.length is not None
    assert [reason for reason in get_args(Reason) if len(reason) > column.length] == []
