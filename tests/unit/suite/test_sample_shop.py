"""The sample shop is the same everywhere, and its events stay in the past and under the tracking limits."""

import json
from datetime import UTC, datetime

from suite import sampleshop

TODAY = datetime(2026, 11, 11, 9, 30, tzinfo=UTC)


def test_the_shop_is_the_same_on_every_machine_and_day() -> None:
    assert sampleshop.customers() == sampleshop.customers()
    shape = [
        (visit.number, visit.customer["customer_id"], visit.seen, visit.bought) for visit in sampleshop.visits(TODAY)
    ]
    later = sampleshop.visits(datetime(2027, 3, 1, tzinfo=UTC))
    assert shape == [(visit.number, visit.customer["customer_id"], visit.seen, visit.bought) for visit in later]


def test_ids_are_unique_and_times_in_the_past() -> None:
    visits = sampleshop.visits(TODAY)
    messages = [message for visit in visits for message in sampleshop.messages(visit)]
    assert len({message["messageId"] for message in messages}) == len(messages)
    orders = [sampleshop.order(visit) for visit in visits if visit.bought]
    assert len({order["order_id"] for order in orders}) == len(orders) > 20
    times = [datetime.fromisoformat(m["timestamp"]) for m in messages]
    times += [datetime.fromisoformat(order["ordered_at"]) for order in orders]
    assert max(times) < TODAY


def test_a_batch_stays_under_the_tracking_limit() -> None:
    messages = [message for visit in sampleshop.visits(TODAY) for message in sampleshop.messages(visit)]
    for start in range(0, len(messages), 200):
        assert len(json.dumps(messages[start : start + 200], ensure_ascii=False).encode()) < 500_000


def test_only_what_was_carted_is_bought() -> None:
    for visit in sampleshop.visits(TODAY):
        assert set(visit.carted) <= set(visit.seen)
        assert visit.carted or not visit.bought
