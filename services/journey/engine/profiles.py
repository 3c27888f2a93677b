"""A small copy of customers' traits, from identify events: for templates, dates and time zones."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import bindparam, select, update

from services.journey.engine.correlation import storable
from services.journey.engine.models import CustomerTraits
from shared.contracts import TrackedEvent
from shared.db import Transaction, insert_ignore, table

TRAITS = table(CustomerTraits)
CHUNK = 500


async def traits_of(tx: Transaction, customer_ids: Iterable[str]) -> dict[str, dict[str, Any]]:
    """What is known of these customers."""
    wanted = sorted(set(customer_ids))
    found = {}
    for start in range(0, len(wanted), CHUNK):
        chosen = TRAITS.c.customer_id.in_(wanted[start : start + CHUNK])
        rows = await tx.execute(select(TRAITS.c.customer_id, TRAITS.c.traits).where(chosen))
        found.update({row.customer_id: row.traits for row in rows.all()})
    return found


async def learn(tx: Transaction, events: Sequence[TrackedEvent]) -> None:
    """Takes in the traits of these events. A null takes a trait away; what is older than the copy only fills gaps."""
    told: dict[str, list[TrackedEvent]] = {}
    for event in sorted(events, key=lambda event: event.timestamp):
        if event.customer_id is not None and event.traits:
            told.setdefault(event.customer_id, []).append(event)
    if not told:
        return
    first = [
        {"customer_id": customer_id, "traits": {}, "updated_at": told[customer_id][0].timestamp}
        for customer_id in sorted(told)
    ]
    await insert_ignore(tx, TRAITS, first)
    changes = []
    for start in range(0, len(first), CHUNK):
        chosen = TRAITS.c.customer_id.in_([row["customer_id"] for row in first[start : start + CHUNK]])
        rows = await tx.execute(select(TRAITS).where(chosen).order_by(TRAITS.c.customer_id).with_for_update())
        changes += [_merged(row, told[row.customer_id]) for row in rows.all()]
    values = {
        "traits": bindparam("new_traits", type_=TRAITS.c.traits.type),
        "updated_at": bindparam("new_updated_at", type_=TRAITS.c.updated_at.type),
    }
    await tx.execute(update(TRAITS).where(TRAITS.c.customer_id == bindparam("customer")).values(values), changes)


def _merged(row: Any, events: Sequence[TrackedEvent]) -> dict[str, Any]:
    traits, updated_at = dict(row.traits), row.updated_at
    for event in events:
        new: Any = storable(event.traits)
        traits = {**traits, **new} if event.timestamp >= updated_at else {**new, **traits}
        updated_at = max(updated_at, event.timestamp)
    kept = {name: value for name, value in traits.items() if value is not None}
    return {"customer": row.customer_id, "new_traits": kept, "new_updated_at": updated_at}
