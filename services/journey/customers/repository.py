"""The SQL of customers' traits."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import bindparam, select, update

from services.journey.customers.models import CustomerTraits
from services.journey.storable import chunks
from shared.db import Transaction, insert_ignore

_UPDATE = (
    update(CustomerTraits.table)
    .where(CustomerTraits.c.customer_id == bindparam("customer"))
    .values(
        traits=bindparam("new_traits", type_=CustomerTraits.c.traits.type),
        updated_at=bindparam("new_updated_at", type_=CustomerTraits.c.updated_at.type),
    )
)


class _Known(NamedTuple):
    customer_id: str
    traits: dict[str, Any]


async def find_traits(tx: Transaction, customer_ids: Iterable[str]) -> dict[str, dict[str, Any]]:
    """What is known of these customers."""
    found: dict[str, dict[str, Any]] = {}
    for part in chunks(sorted(set(customer_ids))):
        statement = select(CustomerTraits.c.customer_id, CustomerTraits.c.traits)
        found.update(await tx.rows(_Known, statement.where(CustomerTraits.c.customer_id.in_(part))))
    return found


async def insert_unknown(tx: Transaction, rows: Sequence[Mapping[str, Any]]) -> None:
    """Rows of customers who have none yet."""
    await insert_ignore(tx, CustomerTraits.table, rows)


async def lock(tx: Transaction, customer_ids: Iterable[str]) -> list[CustomerTraits]:
    """The rows of these customers, locked in the order of their ids."""
    rows: list[CustomerTraits] = []
    for part in chunks(sorted(customer_ids)):
        chosen = select(CustomerTraits.table).where(CustomerTraits.c.customer_id.in_(part))
        rows += await tx.rows(CustomerTraits, chosen.order_by(CustomerTraits.c.customer_id).with_for_update())
    return rows


async def update_traits(tx: Transaction, changes: Sequence[Mapping[str, Any]]) -> None:
    """Each holds `customer`, `new_traits` and `new_updated_at`."""
    await tx.run(_UPDATE, changes)
