"""The state machine of a reservation, on values in memory."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.inventory.ledger.rules import Level, Movement, move
from services.inventory.reservations import rules
from services.inventory.reservations.placement import Demand, Placed
from services.inventory.reservations.rules import Reservation
from shared.web import Conflict, Gone, Problem

START = datetime(2026, 11, 11, tzinfo=UTC)
DUE = START + timedelta(seconds=900)


def reservation(*places: tuple[str, str, int]) -> Reservation:
    lines = rules.lines_of([Placed(sku, spot, units, False) for sku, spot, units in places or (("a", "w1", 3),)])
    return Reservation("rsv_1", "own_1", "o1", "app", "held", "f", 900, DUE, START, START, lines)


def flows(movements: list[Movement]) -> list[tuple[str, str, int]]:
    return [(one.from_state, one.to_state, one.quantity) for one in movements]


def test_hold_confirm_ship() -> None:
    one = reservation(("b", "w1", 1), ("a", "w2", 2))
    assert [(line.line_no, line.sku) for line in one.lines] == [(1, "a"), (2, "b")]
    assert flows(rules.hold(one)) == [("available", "held", 2), ("available", "held", 1)]
    assert flows(rules.confirm(one, None, START)) == [("held", "committed", 2), ("held", "committed", 1)]
    assert flows(rules.ship(one, {("a", None): 1}, START)) == [("committed", "outside", 1)]
    assert one.status == "partially_shipped"
    assert flows(rules.ship(one, None, START)) == [("committed", "outside", 1), ("committed", "outside", 1)]
    assert (one.status, one.version, one.reserved_again) == ("shipped", 4, False)


@pytest.mark.parametrize(("now", "late"), [(DUE - timedelta(microseconds=1), False), (DUE, True)])
def test_the_boundary_belongs_to_expiry(now: datetime, late: bool) -> None:
    one = reservation()
    assert one.overdue(now) is late
    assert bool(rules.expire(one, now)) is late
    other = reservation()
    rules.confirm(other, None, now)
    assert (other.status, other.reserved_again) == ("confirmed", late)


def test_confirm_of_what_is_over() -> None:
    one = reservation()
    rules.expire(one, DUE)
    with pytest.raises(Gone, match="reservation_expired"):
        rules.confirm(one, None, DUE)
    other = reservation()
    rules.release(other, None, START)
    with pytest.raises(Conflict, match="reservation_state"):
        rules.confirm(other, None, START)
    with pytest.raises(Conflict, match="reservation_state"):
        rules.hold_again(other, [], {}, START)


def test_shipping_finds_named_places_before_the_rest() -> None:
    one = reservation(("a", "w1", 1), ("a", "w2", 1))
    rules.confirm(one, None, START)
    shipped = rules.ship(one, {("a", None): 1, ("a", "w1"): 1}, START)
    assert [line.shipped for line in one.lines] == [1, 1]
    assert len(shipped) == 2


def test_every_line_that_cannot_be_shipped_is_named() -> None:
    one = reservation(("a", "w1", 2), ("b", "w1", 1))
    rules.confirm(one, None, START)
    with pytest.raises(Conflict) as refused:
        rules.ship(one, {("a", None): 3, ("b", None): 1, ("c", None): 1}, START)
    assert [(short["sku"], short["open"]) for short in refused.value.members["lines"]] == [("a", 2), ("c", 0)]
    assert (one.status, [line.shipped for line in one.lines]) == ("confirmed", [0, 0])


def test_a_part_is_released_until_nothing_is_left() -> None:
    one = reservation(("a", "w1", 2), ("a", "w2", 4))
    assert flows(rules.release(one, {("a", "w2"): 1}, START)) == [("held", "available", 1)]
    assert (one.status, [line.open for line in one.lines]) == ("held", [2, 3])
    rules.confirm(one, None, START)
    assert flows(rules.release(one, {("a", None): 4}, START)) == [("committed", "available", 2)] * 2
    assert (one.status, one.version) == ("confirmed", 4)
    with pytest.raises(Conflict, match="release_exceeds_reserved"):
        rules.release(one, {("a", None): 2}, START)
    rules.release(one, {("a", None): 1}, START)
    assert one.status == "released"
    with pytest.raises(Conflict, match="release_exceeds_reserved"):
        rules.release(one, {("a", None): 1}, START)


def test_a_part_that_is_paid_lets_go_of_the_rest() -> None:
    one = reservation(("a", "w1", 6), ("b", "w1", 1))
    moved = rules.confirm(one, {("a", None): 4}, START)
    assert flows(moved) == [("held", "committed", 4), ("held", "available", 2), ("held", "available", 1)]
    assert len({movement.key for movement in moved}) == 3
    assert (one.status, [line.open for line in one.lines]) == ("confirmed", [4, 0])
    assert rules.confirm(one, {("a", "w1"): 4}, START) == []
    assert rules.confirm(one, None, START) == []
    others: list[Demand] = [{("a", None): 3}, {("a", None): 6}, {("a", None): 4, ("b", None): 1}]
    for other in others:
        with pytest.raises(Conflict, match="confirmed_otherwise"):
            rules.confirm(one, other, START)


def test_what_ran_out_can_be_released_and_then_never_confirmed() -> None:
    one = reservation(("a", "w1", 6))
    rules.expire(one, DUE)
    assert rules.release(one, {("a", None): 4}, DUE) == []
    assert (one.status, rules.wanted_again(one, None)) == ("expired", {1: 2})
    assert rules.release(one, None, DUE) == []
    assert one.status == "released"
    with pytest.raises(Conflict, match="reservation_state"):
        rules.confirm(one, None, DUE)


VERBS = (
    "confirm",
    "confirm_one",
    "release",
    "release_one",
    "expire",
    "extend",
    "ship_one",
    "ship",
    "again",
    "again_one",
)


@given(st.lists(st.tuples(st.sampled_from(VERBS), st.integers(0, 1000)), max_size=15))
def test_no_sequence_of_steps_makes_or_loses_units(steps: list[tuple[str, int]]) -> None:
    level = Level("l", "a", "w1", available=3)
    one = reservation()
    keys: set[str] = set()
    now = START

    def write(movements: list[Movement]) -> None:
        for movement in movements:
            assert movement.key not in keys
            keys.add(movement.key)
            move(level, movement)

    write(rules.hold(one))
    for verb, seconds in steps:
        now += timedelta(seconds=seconds)
        state, version = (one.status, [(line.shipped, line.released) for line in one.lines]), one.version
        try:
            write(_take(verb, one, level, now))
        except Problem:
            assert (one.status, [(line.shipped, line.released) for line in one.lines]) == state
            assert one.version == version
        left = sum(line.open for line in one.lines)
        assert level.held == (left if one.status == "held" else 0)
        assert level.committed == (left if one.status in rules.PAID else 0)
        assert level.on_hand == 3 - sum(line.shipped for line in one.lines)
        assert sum(line.quantity for line in one.lines) == 3
        assert (left > 0) == (one.status in (*rules.OPEN, "expired"))


def _take(verb: str, one: Reservation, level: Level, now: datetime) -> list[Movement]:
    name, _, part = verb.partition("_")
    wanted: Demand | None = {("a", None): 1} if part else None
    if name == "expire":
        return rules.expire(one, now)
    if name == "extend":
        rules.extend(one, 900, now)
        return []
    if name == "again":
        units = rules.wanted_again(one, wanted)
        places = [Placed("a", "w1", number, False) for number in units.values()]
        return rules.hold_again(one, places, units, now)
    step = {"confirm": rules.confirm, "release": rules.release, "ship": rules.ship}[name]
    return step(one, wanted, now)
