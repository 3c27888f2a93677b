"""The SQL of the ledger. Levels are locked in one order everywhere: by (sku, location_id)."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

from sqlalchemy import Row, Select, bindparam, select, tuple_, update

from services.inventory.ledger.models import StockDocument, StockLevel, StockMovement
from services.inventory.ledger.rules import COUNTERS, Level, LevelKey, Movement
from services.inventory.locations.models import Location
from shared.db import Transaction, insert_bulk, insert_ignore, table, update_bulk
from shared.ids import new_id

T = TypeVar("T")

LEVEL: Final = table(StockLevel)
MOVEMENT: Final = table(StockMovement)
DOCUMENT: Final = table(StockDocument)
_LOCATION: Final = table(Location)

_LEVELS: Final = select(
    LEVEL.c.id,
    LEVEL.c.sku,
    LEVEL.c.location_id,
    *(LEVEL.c[counter] for counter in COUNTERS),
    LEVEL.c.safety_target,
    LEVEL.c.low_threshold,
    LEVEL.c.version,
    _LOCATION.c.active,
    _LOCATION.c.can_ship,
).join(_LOCATION, _LOCATION.c.id == LEVEL.c.location_id)
_BY_KEY: Final = tuple_(LEVEL.c.sku, LEVEL.c.location_id).in_(bindparam("keys", expanding=True))
_BY_SKU: Final = LEVEL.c.sku.in_(bindparam("skus", expanding=True))


def _locked(statement: Select[Any]) -> Select[Any]:
    return statement.order_by(LEVEL.c.sku, LEVEL.c.location_id).with_for_update(of=LEVEL)


_LOCK_KEYS: Final = _locked(_LEVELS.where(_BY_KEY))
_LOCK_SKUS: Final = _locked(_LEVELS.where(_BY_SKU))
_LOCK_BOTH: Final = _locked(_LEVELS.where(_BY_KEY | _BY_SKU))
_READ_SKUS: Final = _LEVELS.where(_BY_SKU).order_by(LEVEL.c.sku, LEVEL.c.location_id)

_SET_SAFETY: Final = (
    update(LEVEL)
    .where(LEVEL.c.id == bindparam("level_id"))
    .values(safety_target=bindparam("target"), low_threshold=bindparam("threshold"))
)


def padded(values: Sequence[T]) -> Sequence[T]:
    """The values, the last one repeated up to a power of two: few lengths of IN list, so few statements to prepare."""
    size = 1 << (len(values) - 1).bit_length()
    return [*values, *([values[-1]] * (size - len(values)))]


async def lock_levels(tx: Transaction, keys: Sequence[LevelKey], skus: Sequence[str]) -> list[Level]:
    """The levels of ``keys`` and every level of ``skus``, locked until the transaction ends. Missing levels are left out."""
    if keys and skus:
        rows = await tx.execute(_LOCK_BOTH, {"keys": padded(keys), "skus": padded(skus)})
    elif keys:
        rows = await tx.execute(_LOCK_KEYS, {"keys": padded(keys)})
    elif skus:
        rows = await tx.execute(_LOCK_SKUS, {"skus": padded(skus)})
    else:
        return []
    return _to_levels(rows)


async def read_levels(tx: Transaction, skus: Sequence[str]) -> list[Level]:
    """Every level of the SKUs, not locked: for answers, never for decisions."""
    return _to_levels(await tx.execute(_READ_SKUS, {"skus": padded(skus)})) if skus else []


def _to_levels(rows: Iterable[Row[Any]]) -> list[Level]:
    return [Level(**row._mapping) for row in rows]


async def create_levels(tx: Transaction, keys: Iterable[LevelKey], now: datetime) -> None:
    """Empty levels for the keys that have none. In lock order, so that two of these never wait for each other."""
    rows = [
        {"id": new_id("lvl"), "sku": sku, "location_id": place, "updated_at": now, "safety_target": 0, "version": 0}
        | dict.fromkeys((*COUNTERS, "on_hand"), 0)
        for sku, place in sorted(keys)
    ]
    await insert_ignore(tx, LEVEL, rows)


async def insert_movements(tx: Transaction, movements: Sequence[Movement], now: datetime) -> None:
    rows = [
        {
            "id": new_id("mvt"),
            "key": movement.key,
            "sku": movement.sku,
            "location_id": movement.location_id,
            "from_state": movement.from_state,
            "to_state": movement.to_state,
            "quantity": movement.quantity,
            "reason": movement.reason,
            "reference": movement.reference,
            "reservation_id": movement.reservation_id,
            "occurred_at": now,
        }
        for movement in movements
    ]
    await insert_bulk(tx, MOVEMENT, rows)


async def add_deltas(tx: Transaction, deltas: Sequence[tuple[str, Mapping[str, int]]], now: datetime) -> None:
    """Add to the counters of each (level id, units by counter) and raise its version.

    Added, not set: should a lock ever be missing, the counters still follow the ledger and the CHECK still forbids less than
    nothing.
    """
    rows = [
        {"id": level_id, "updated_at": now} | {f"add_{counter}": units for counter, units in changes.items()}
        for level_id, changes in deltas
    ]
    values = {counter: f"kept.{counter} + given.add_{counter}" for counter in (*COUNTERS, "on_hand")}
    values |= {"version": "kept.version + 1", "updated_at": "given.updated_at"}
    await update_bulk(tx, LEVEL, rows, match={"id": "id"}, values=values)


async def set_safety(tx: Transaction, level_id: str, target: int, threshold: int | None) -> None:
    await tx.execute(_SET_SAFETY, {"level_id": level_id, "target": target, "threshold": threshold})


async def claim_document(tx: Transaction, row: Mapping[str, Any]) -> Row[Any] | None:
    """Write the document unless its (kind, reference) has one; then that one's (fingerprint, answer).

    A claim under way elsewhere is waited for, so that of two equal requests exactly one does the work.
    """
    if await insert_ignore(tx, DOCUMENT, [row]):
        return None
    found = await tx.execute(
        select(DOCUMENT.c.fingerprint, DOCUMENT.c.answer).where(
            DOCUMENT.c.kind == row["kind"], DOCUMENT.c.reference == row["reference"]
        )
    )
    return found.one()


async def answer_document(tx: Transaction, document_id: str, answer: Mapping[str, Any]) -> None:
    await tx.execute(update(DOCUMENT).where(DOCUMENT.c.id == document_id).values(answer=answer))
