"""A leaf followed step by step, with evidence kept small, says what the naive evaluator says of the whole history."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kit.examples import examples
from kit.segments_oracle import Person, matches
from kit.segments_rules import BY_MEASURE, ZONES

from services.segments.events.rules import facts
from services.segments.membership.rules import Leaves
from services.segments.rule_language.measures import contribution
from services.segments.rule_language.parser import parse_rule
from services.segments.rule_language.scalars import instant, micros
from services.segments.rule_language.tree import EventLeaf

START = datetime(2026, 11, 11, 2, 0, tzinfo=UTC)
HALF_HOUR = timedelta(minutes=30)
STEPS = st.lists(
    st.tuples(
        st.sampled_from([0, 0, 1, 2, 3, 11, 12, 48, 49, 150]),  # half hours that pass first
        st.sampled_from([0, 0, 0, 1, 2, 12, 47, 48, 100, 144, 200]),  # how late the event comes, in half hours
        st.fixed_dictionaries(
            {},
            optional={
                "total": st.sampled_from([0, 500, 750, 1000, 2500]),
                "currency": st.sampled_from(["CNY", "CNY", "USD"]),
                "sku": st.sampled_from(["a", "b", "7", 7]),
                "weight": st.sampled_from([0.1, 0.2, 0.3, -1.5]),
            },
        ),
        st.integers(0, 3),  # which minute of the half hour is looked at
    ),
    min_size=1,
    max_size=12,
)


@pytest.mark.parametrize("measure", BY_MEASURE)
@settings(max_examples=examples(150))
@given(data=st.data(), zone=st.sampled_from(ZONES), steps=STEPS)
def test_evidence_and_flips_follow_the_whole_history(
    measure: str, data: st.DataObject, zone: str, steps: list[Any]
) -> None:
    rule = data.draw(BY_MEASURE[measure])
    leaf = parse_rule(rule, time_zone=zone, currency="CNY")
    assert isinstance(leaf, EventLeaf)
    who, now, leaves = Person(), START, Leaves(micros(START))

    def check(at: datetime) -> None:
        leaves.now = micros(at)
        leaves.flip_due(1, leaf, leaves.state(1, leaf).evidence)
        assert leaves.state(1, leaf).value == matches(rule, who, at, zone, {}), at

    for pause, late, properties, offset in steps:
        for _ in range(pause):
            now += HALF_HOUR
            if offset == 0:
                check(now)
        check(now)
        at = now - late * HALF_HOUR
        who.events.append((leaf.event, at, properties))
        one = contribution(leaf, micros(at), facts(properties))
        if one is not None:
            leaves.add(1, leaf, [one], "event")
        check(now)
    assert all(change.at <= micros(now) for change in leaves.changes.get(1, ()))


@pytest.mark.parametrize("measure", BY_MEASURE)
@settings(max_examples=examples(60))
@given(data=st.data(), zone=st.sampled_from(ZONES), steps=STEPS)
def test_a_flip_comes_at_its_instant_and_not_a_microsecond_before(
    measure: str, data: st.DataObject, zone: str, steps: list[Any]
) -> None:
    rule = data.draw(BY_MEASURE[measure])
    leaf = parse_rule(rule, time_zone=zone, currency="CNY")
    assert isinstance(leaf, EventLeaf)
    who, leaves = Person(), Leaves(micros(START))
    for _, late, properties, _ in steps:
        at = START - late * HALF_HOUR
        who.events.append((leaf.event, at, properties))
        one = contribution(leaf, micros(at), facts(properties))
        if one is not None:
            leaves.add(1, leaf, [one], "event")
    state = leaves.state(1, leaf)
    assert state.value == matches(rule, who, START, zone, {})
    if state.next_flip_at is None:
        later = [START + timedelta(days=days) for days in range(1, 9)]
        assert all(matches(rule, who, at, zone, {}) == state.value for at in later)
        return
    flip = instant(state.next_flip_at)
    assert matches(rule, who, flip - timedelta(microseconds=1), zone, {}) == state.value
    assert matches(rule, who, flip, zone, {}) != state.value
