"""The copy of customers' traits: newest by time, the merchant's words before all that shoppers say."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.journey.customers.handlers import merged
from services.journey.customers.models import CustomerTraits
from shared.contracts import TrackedEvent

NOW = datetime(2026, 11, 11, 2, 0, tzinfo=UTC)
MERCHANT, SHOPPER = True, False


def told(who: bool, minutes: int, **traits: Any) -> TrackedEvent:
    at = NOW + timedelta(minutes=minutes)
    body = {"message_id": f"m{minutes}", "type": "identify", "customer_id": "c1"}
    return TrackedEvent(**body, timestamp=at, received_at=at, traits=traits, vouched=who)


@pytest.mark.parametrize(
    ("events", "known"),
    [
        ([told(SHOPPER, 1, a=1), told(SHOPPER, 2, a=2, b=2)], {"a": 2, "b": 2}),
        ([told(SHOPPER, 2, a=2), told(SHOPPER, 1, a=1, b=1)], {"a": 2, "b": 1}),
        ([told(MERCHANT, 2, a=2), told(MERCHANT, 1, a=1, b=1)], {"a": 2, "b": 1}),
        ([told(MERCHANT, 1, a=1), told(SHOPPER, 2, a=2, b=2)], {"a": 1, "b": 2}),
        ([told(SHOPPER, 2, a=2, b=2), told(MERCHANT, 1, a=1)], {"a": 1, "b": 2}),
        ([told(MERCHANT, 1, a=None), told(SHOPPER, 2, a=2)], {}),
        ([told(MERCHANT, 1, a=1), told(SHOPPER, 2, a=None)], {"a": 1}),
        ([told(MERCHANT, 1, a=1), told(MERCHANT, 2, a=None)], {}),
    ],
)
def test_what_is_known_after_these_words_one_after_the_other(events: list[TrackedEvent], known: dict[str, Any]) -> None:
    row = CustomerTraits(customer_id="c1", traits={}, vouched=[], updated_at=events[0].timestamp)
    for event in events:
        new = merged(row, [event])
        row = CustomerTraits(
            customer_id="c1",
            traits=new["new_traits"],
            vouched=new["new_vouched"],
            updated_at=new["new_updated_at"],
        )
    assert row.traits == known
