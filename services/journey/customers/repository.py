"""The SQL of customers' traits."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import bindparam, select, update

from services.journey.customers.models import CustomerTraits
from shared.db import Transaction, insert_ignore, one_of

_OF_CUSTOMERS = one_of(CustomerTraits.c.customer_id, "customer_ids")
_FIND = select(CustomerTraits.c.customer_id, CustomerTraits.c.traits).where(_OF_CUSTOMERS)
_LOCK = select(CustomerTraits.table).where(_OF_CUSTOMERS).order_by(CustomerTraits.c.customer_id).with_for_update()
_UPDATE = (
    update(CustomerTraits.table)
    .where(CustomerTraits.c.customer_id == bindparam("customer"))
    .values(
        traits=bindparam("new_traits", type_=CustomerTraits.c.traits.type),
        vouched=bindparam("new_vouched", type_=CustomerTraits.c.vouched.type),
        updated_at=bindparam("new_updated_at", type_=CustomerTraits.c.updated_at.type),
    )
)


class _Known(NamedTuple):
    customer_id: str
    traits: dict[str, Any]


async def find_traits(tx: Transaction, customer_ids: Iterable[str]) -> dict[str, dict[str, Any]]:
    """What is known of these customers."""
    wanted = set(customer_ids)
    return dict(await tx.rows(_Known, _FIND, {"customer_ids": wanted})) if wanted else {}


async def insert_unknown(tx: Transaction, rows: Sequence[Mapping[str, Any]]) -> None:
    """Rows of customers who have none yet."""
    await insert_ignore(tx, CustomerTraits.table, rows)


async def lock(tx: Transaction, customer_ids: Iterable[str]) -> list[CustomerTraits]:
    """The rows of these customers, locked in the order of their ids."""
    return await tx.rows(CustomerTraits, _LOCK, {"customer_ids": customer_ids})


async def update_traits(tx: Transaction, changes: Sequence[Mapping[str, Any]]) -> None:
    """Each holds `customer`, `new_traits`, `new_vouched` and `new_updated_at`."""
    await tx.run(_UPDATE, changes)
