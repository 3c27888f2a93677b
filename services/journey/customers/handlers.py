"""What tracked events tell of customers. The engine hears the events, and learns before it reacts to them."""

from collections.abc import Sequence
from typing import Any

from services.journey.customers import repository
from services.journey.customers.models import CustomerTraits
from services.journey.storable import storable
from shared.contracts import TrackedEvent
from shared.db import Transaction


async def on_traits(tx: Transaction, events: Sequence[TrackedEvent]) -> None:
    """Takes in the traits of these events. A null takes a trait away; what is older than the copy only fills gaps.

    A trait that the merchant said is not changed by what a shopper's app or page says.
    """
    told: dict[str, list[TrackedEvent]] = {}
    for event in sorted(events, key=lambda event: event.timestamp):
        if event.customer_id is not None and event.traits:
            told.setdefault(event.customer_id, []).append(event)
    if not told:
        return
    first = [
        {"customer_id": customer_id, "traits": {}, "vouched": [], "updated_at": told[customer_id][0].timestamp}
        for customer_id in sorted(told)
    ]
    await repository.insert_unknown(tx, first)
    rows = await repository.lock(tx, told)
    await repository.update_traits(tx, [merged(row, told[row.customer_id]) for row in rows])


def merged(row: CustomerTraits, events: Sequence[TrackedEvent]) -> dict[str, Any]:
    """The change of a customer's row by these events."""
    traits, vouched, updated_at = dict(row.traits), set(row.vouched), row.updated_at
    for event in events:
        new = storable(event.traits)
        if event.vouched:
            stays = vouched & traits.keys() if event.timestamp < updated_at else frozenset()
            traits.update((name, value) for name, value in new.items() if name not in stays)
            vouched |= new.keys()
        else:
            new = {name: value for name, value in new.items() if name not in vouched}
            traits = {**traits, **new} if event.timestamp >= updated_at else {**new, **traits}
        updated_at = max(updated_at, event.timestamp)
    return {
        "customer": row.customer_id,
        "new_traits": {name: value for name, value in traits.items() if value is not None},
        "new_vouched": sorted(vouched),
        "new_updated_at": updated_at,
    }
