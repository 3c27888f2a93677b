"""Lanes: whatever is asked for, nobody has more than their share, and the next owner finds room."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.webhooks_out.lanes import Lane, lanes


@dataclass(frozen=True)
class Some:
    id: str
    owner_id: str
    standing: str = "quick"
    max_in_flight: int | None = None


def fill(lane: Lane, owner: str, many: int, standing: str = "quick") -> int:
    """One attempt to each of so many endpoints; answers how many were let in."""
    begun = 0
    for number in range(many):
        endpoint = Some(f"{owner}-{number}", owner, standing)
        if lane.room_for(endpoint):
            lane.begin(endpoint)
            begun += 1
    return begun


def test_an_owner_has_three_quarters_and_the_next_three_quarters_of_the_rest() -> None:
    quick, others = lanes(2000, 8)
    assert (quick.room, others.room) == (1500, 500)
    assert [fill(quick, owner, 2000) for owner in "abc"] == [1125, 282, 70]
    assert quick.busy_owners() == ["a", "b", "c"]
    assert [fill(others, owner, 2000, "unproven") for owner in "ab"] == [375, 94]


@pytest.mark.parametrize(("standing", "most"), [("quick", 8), ("slow", 8), ("unproven", 1)])
def test_an_endpoint_that_is_not_proven_is_called_once(standing: str, most: int) -> None:
    lane, endpoint = Lane((standing,), 100, 8), Some("e", "o", standing)
    assert lane.room_for(endpoint) == most
    for number in range(most):
        assert lane.busy_endpoints() == []
        assert lane.room_for(endpoint) == most - number
        lane.begin(endpoint)
    assert (lane.room_for(endpoint), lane.busy_endpoints()) == (0, ["e"])
    lane.end(endpoint)
    assert (lane.room_for(endpoint), lane.busy_endpoints()) == (1, [])


@given(st.integers(1, 60), st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 5), st.booleans()), max_size=200))
def test_a_lane_is_never_fuller_than_full(capacity: int, steps: list[tuple[str, int, bool]]) -> None:
    lane = Lane(("quick",), capacity, 3)
    under_way: list[Some] = []
    for owner, number, ends in steps:
        endpoint = Some(f"{owner}{number}", owner)
        if ends and endpoint in under_way:
            under_way.remove(endpoint)
            lane.end(endpoint)
            continue
        room = lane.room_for(endpoint)
        skipped = endpoint.id in lane.busy_endpoints() or owner in lane.busy_owners()
        if lane.room:
            assert skipped == (room == 0), "the statement leaves out just those that could not be called"
        for _ in range(room):
            lane.begin(endpoint)
            under_way.append(endpoint)
        assert len(under_way) == capacity - lane.room <= capacity
    for endpoint in under_way:
        lane.end(endpoint)
    assert (lane.room, lane.busy_endpoints(), lane.busy_owners()) == (capacity, [], [])


def test_an_endpoint_gets_no_more_at_once_than_it_wants() -> None:
    lane, _ = lanes(100, 8)
    modest, eager = Some("a", "one", max_in_flight=3), Some("b", "two", max_in_flight=20)
    assert (lane.room_for(modest), lane.room_for(eager), lane.room_for(Some("c", "three"))) == (3, 20, 8)
