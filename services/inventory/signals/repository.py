"""The SQL of signals. SKUs are locked by name, after nothing else and before nothing else."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, cast

from sqlalchemy import Select, delete, select

from services.inventory.ledger.models import StockDue, StockLevel
from services.inventory.locations.models import Location
from services.inventory.signals.models import SkuSignal
from services.inventory.signals.rules import Place, Word
from shared.db import Transaction, insert_bulk, one_of, upsert_bulk

DUE: Final[Select[*tuple[Any, ...]]] = select(StockDue.table).order_by(StockDue.c.id)
"""SKUs whose units for sale have changed, the longest waiting first."""
_PLACES: Final = (
    select(
        StockLevel.c.sku,
        StockLevel.c.location_id,
        StockLevel.c.available,
        StockLevel.c.held,
        StockLevel.c.low_threshold,
    )
    .join(Location.table, Location.c.id == StockLevel.c.location_id)
    .where(one_of(StockLevel.c.sku, "skus"), Location.c.active, Location.c.can_ship)
    .order_by(StockLevel.c.sku, StockLevel.c.available.desc(), StockLevel.c.location_id)
)
_LOCK: Final = (
    select(SkuSignal.table).where(one_of(SkuSignal.c.sku, "skus")).order_by(SkuSignal.c.sku).with_for_update()
)


async def forget_due(tx: Transaction, rows: Iterable[StockDue]) -> None:
    """They have been looked at."""
    await tx.run(delete(StockDue.table).where(one_of(StockDue.c.id, [row.id for row in rows])))


async def lock(tx: Transaction, skus: Sequence[str], now: datetime) -> dict[str, Word]:
    """What is known of each SKU, locked in their order; one that is met for the first time is new."""
    fresh = [{"sku": sku, "word": "new", "updated_at": now} for sku in skus]
    await insert_bulk(tx, SkuSignal.table, fresh, ignore=True)
    return {row.sku: cast("Word", row.word) for row in await tx.rows(SkuSignal, _LOCK, {"skus": skus})}


async def places(tx: Transaction, skus: Sequence[str]) -> dict[str, list[Place]]:
    """The places that sell each SKU, most available first, as they are after the last commit."""
    found: dict[str, list[Place]] = defaultdict(list)
    for place in await tx.rows(Place, _PLACES, {"skus": skus}):
        found[place.sku].append(place)
    return found


async def keep(tx: Transaction, words: Mapping[str, Word], now: datetime) -> None:
    """What is known of these SKUs from now on."""
    rows = [{"sku": sku, "word": word, "updated_at": now} for sku, word in words.items()]
    await upsert_bulk(tx, SkuSignal.table, rows, ["word", "updated_at"])
