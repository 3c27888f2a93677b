"""What tracked events teach, and for whom an offer is."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.coupon.audience.rules import Facts, Learned, news, not_for, orders, people
from services.coupon.templates.terms import Scope
from shared.contracts import TrackedEvent

NOW = datetime(2026, 11, 11, 2, 0, tzinfo=UTC)


def event(minutes: int = 0, customer_id: str | None = "c1", **more: Any) -> TrackedEvent:
    at = NOW + timedelta(minutes=minutes)
    body = {"message_id": f"m{minutes}", "type": "track", "event": "Product Viewed", **more}
    return TrackedEvent(customer_id=customer_id, timestamp=at, received_at=at, **body)


def identify(minutes: int, **traits: Any) -> TrackedEvent:
    return event(minutes, type="identify", event=None, traits=traits)


def order(minutes: int, order_id: Any, customer_id: str = "c1") -> TrackedEvent:
    return event(minutes, customer_id, event="Order Completed", properties={"order_id": order_id})


@pytest.mark.parametrize(
    ("scope", "facts", "answer"),
    [
        ({}, Facts(), None),
        ({"segments": ["s", "t"]}, Facts(segments=frozenset({"t"})), None),
        ({"segments": ["s"]}, Facts(), "not_eligible:segment"),
        ({"tiers": ["gold", "silver"]}, Facts(tier="silver"), None),
        ({"tiers": ["gold"]}, Facts(tier="silver"), "not_eligible:tier"),
        ({"tiers": ["gold"]}, Facts(), "not_eligible:tier"),
        ({"new_customer_days": 7}, Facts(), None),
        ({"new_customer_days": 7}, Facts(known_since=NOW - timedelta(days=7, seconds=-1)), None),
        ({"new_customer_days": 7}, Facts(known_since=NOW - timedelta(days=7)), "not_eligible:new_customer"),
        ({"first_order_only": True}, Facts(), None),
        ({"first_order_only": True}, Facts(ordered=True), "not_eligible:first_order"),
    ],
)
def test_for_whom_an_offer_is(scope: dict[str, Any], facts: Facts, answer: str | None) -> None:
    assert not_for(Scope.model_validate(scope), facts, NOW) == answer


def test_a_person_is_known_since_the_earliest_word_of_her() -> None:
    told = [event(5), event(2), event(9, customer_id=None), event(1, "c0"), event(0, "x" * 201)]
    assert people(told) == [
        Learned("c0", NOW + timedelta(minutes=1)),
        Learned("c1", NOW + timedelta(minutes=2)),
    ]


@pytest.mark.parametrize(
    ("created", "year"),
    [
        ("2020-01-01T00:00:00Z", 2020),
        ("2020-01-01", 2020),
        (1577836800, 2020),
        (1577836800000, 2020),
        ("yesterday", 2026),
        (True, 2026),
        (1e300, 2026),
        ("2030-01-01", 2026),
        (None, 2026),
    ],
)
def test_the_day_of_registration_counts_when_it_can_be_read(created: Any, year: int) -> None:
    (found,) = people([identify(0, createdAt=created)])
    assert found.known_since.year == year


def test_the_newest_word_of_the_tier_counts_and_a_groups_is_none() -> None:
    group = event(9, type="group", event=None, traits={"tier": "enterprise"})
    (found,) = people([identify(3, tier="gold"), identify(1, tier="silver"), group])
    assert (found.tier, found.tier_at) == ("gold", NOW + timedelta(minutes=3))
    (gone,) = people([identify(1, tier="gold"), identify(2, tier=None)])
    assert (gone.tier, gone.tier_at) == (None, NOW + timedelta(minutes=2))
    (both,) = people([identify(1, tier="a", member_tier=3)])
    assert both.tier == "3"
    (odd,) = people([identify(1, tier=["a"])])
    assert odd.tier_at is None
    (imported,) = people([event(1, history=True, traits={"tier": "gold"})])
    assert imported.tier == "gold"


def test_an_order_counts_once_by_its_id() -> None:
    told = [order(3, "o2"), order(4, "o1"), order(5, "o1", "c2"), order(6, 7), order(7, None), event(8)]
    assert [(one.order_id, one.customer_id) for one in orders(told)] == [
        ("7", "c1"),
        ("m7", "c1"),
        ("o1", "c1"),
        ("o2", "c1"),
    ]


@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from([None, "gold", "silver", ""])), max_size=8))
def test_only_news_is_written(words: list[tuple[int, str | None]]) -> None:
    learned = people([event(at) if tier is None else identify(at, tier=tier) for at, tier in words])
    assert news(learned, {}) == learned
    known = {one.customer_id: one for one in learned}
    assert [one for one in news(learned, known) if one.tier_at is None] == []
    older = {key: Learned(key, one.known_since + timedelta(1)) for key, one in known.items()}
    assert news(learned, older) == learned
