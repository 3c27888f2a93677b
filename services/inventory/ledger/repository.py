"""The SQL of the ledger. Levels are locked in one order everywhere: by (sku, location_id)."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Select, bindparam, func, insert, literal, select, union, update

from services.inventory.ledger.models import StockDocument, StockDue, StockLevel, StockMovement
from services.inventory.ledger.rules import COUNTERS, By, Level, LevelKey, Movement
from services.inventory.ledger.schemas import MovementView, StockView
from services.inventory.ledger.views import stock_view
from services.inventory.locations.models import Location
from shared.db import Prepared, Transaction, insert_ignore, insert_later, one_of, update_later
from shared.ids import new_id
from shared.web import Page, Paging, filtered, page_of, visible

_LEVELS: Final = select(
    StockLevel.c.id,
    StockLevel.c.sku,
    StockLevel.c.location_id,
    *(StockLevel.c[counter] for counter in COUNTERS),
    StockLevel.c.safety_target,
    StockLevel.c.low_threshold,
    StockLevel.c.counted_version,
    StockLevel.c.version,
    Location.c.active,
    Location.c.can_ship,
).join(Location.table, Location.c.id == StockLevel.c.location_id)
_BY_KEY: Final = one_of((StockLevel.c.sku, StockLevel.c.location_id), "keys")
_BY_SKU: Final = one_of(StockLevel.c.sku, "skus")


def _locked(statement: Select[Any]) -> Prepared:
    ordered = statement.order_by(StockLevel.c.sku, StockLevel.c.location_id)
    return Prepared(ordered.with_for_update(of=StockLevel.table))


_LOCK_KEYS: Final = _locked(_LEVELS.where(_BY_KEY))
_LOCK_SKUS: Final = _locked(_LEVELS.where(_BY_SKU))
_BOTH: Final = union(*(select(StockLevel.c.id).where(either) for either in (_BY_KEY, _BY_SKU)))
_LOCK_BOTH: Final = _locked(_LEVELS.where(StockLevel.c.id.in_(_BOTH)))
_OF_SKUS: Final = Prepared(_LEVELS.where(_BY_SKU).order_by(StockLevel.c.sku, StockLevel.c.location_id))
_SHARED: Final = Prepared(
    select(StockLevel.c.sku, func.sum(StockLevel.c.available).label("units"))
    .join(Location.table, Location.c.id == StockLevel.c.location_id)
    .where(_BY_SKU, Location.c.active, Location.c.can_ship)
    .group_by(StockLevel.c.sku)
)


class _Shared(NamedTuple):
    sku: str
    units: int


_SETTINGS: Final = ("safety_target", "low_threshold", "counted_version")
_UPDATE_SETTINGS: Final = (
    update(StockLevel.table)
    .where(StockLevel.c.id == bindparam("level_id"))
    .values({name: bindparam(name) for name in _SETTINGS})
)


async def lock_levels(tx: Transaction, keys: Sequence[LevelKey], skus: Sequence[str]) -> list[Level]:
    """The levels of ``keys`` and every level of ``skus``, locked until the transaction ends. Missing levels are left out."""
    if keys and skus:
        return await tx.rows(Level, _LOCK_BOTH, {"keys": keys, "skus": skus})
    if keys:
        return await tx.rows(Level, _LOCK_KEYS, {"keys": keys})
    if skus:
        return await tx.rows(Level, _LOCK_SKUS, {"skus": skus})
    return []


async def levels_of(tx: Transaction, skus: Sequence[str]) -> list[Level]:
    """Every level of the SKUs, not locked: for answers, never for decisions."""
    return await tx.rows(Level, _OF_SKUS, {"skus": skus}) if skus else []


async def shared_units(tx: Transaction, skus: Sequence[str]) -> dict[str, int]:
    """What may be sold of the SKUs over all places, which may be thousands: `Level.shared`, summed in the database."""
    return {row.sku: int(row.units) for row in await tx.rows(_Shared, _SHARED, {"skus": skus})}


async def page_levels(tx: Transaction, paging: Paging, sku: str | None, location_id: str | None) -> Page[StockView]:
    """Newest first."""
    statement = filtered(select(StockLevel.table), {StockLevel.c.sku: sku, StockLevel.c.location_id: location_id})
    return await page_of(tx, StockLevel, statement, StockLevel.c.id, paging, stock_view)


async def page_movements(
    tx: Transaction, paging: Paging, sku: str | None, location_id: str | None, reservation_id: str | None
) -> Page[MovementView]:
    """Newest first."""
    wanted = {
        StockMovement.c.sku: sku,
        StockMovement.c.location_id: location_id,
        StockMovement.c.reservation_id: reservation_id,
    }
    statement = visible(filtered(select(StockMovement.table), wanted), StockMovement.c.owner_id, paging.caller)
    return await page_of(tx, StockMovement, statement, StockMovement.c.id, paging, MovementView.model_validate)


async def insert_levels(tx: Transaction, keys: Iterable[LevelKey], now: datetime) -> None:
    """Empty levels for the keys that have none. In lock order, so that two of these never wait for each other."""
    rows = [
        {"id": new_id("lvl"), "sku": sku, "location_id": place, "updated_at": now}
        | dict.fromkeys((*COUNTERS, "on_hand", "safety_target", "counted_version", "version"), 0)
        for sku, place in sorted(keys)
    ]
    await insert_ignore(tx, StockLevel.table, rows)


class Entry(NamedTuple):
    """A movement as it is written: by whom, and the version that its level has from then on."""

    movement: Movement
    by: By
    level_version: int


def insert_movements(tx: Transaction, entries: Sequence[Entry], now: datetime) -> None:
    """Append to the ledger; a `key` that is there already is an error."""
    rows = [
        {
            "id": new_id("mvt"),
            "owner_id": movement.owner_id,
            "key": movement.key,
            "sku": movement.sku,
            "location_id": movement.location_id,
            "from_state": movement.from_state,
            "to_state": movement.to_state,
            "quantity": movement.quantity,
            "reason": movement.reason,
            "reference": movement.reference,
            "reservation_id": movement.reservation_id,
            "actor": by.actor,
            "remark": by.remark,
            "level_version": level_version,
            "occurred_at": now,
        }
        for movement, by, level_version in entries
    ]
    insert_later(tx, StockMovement.table, rows)


def update_levels(tx: Transaction, deltas: Sequence[tuple[str, Mapping[str, int]]], now: datetime) -> None:
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
    update_later(tx, StockLevel.table, rows, match={"id": "id"}, values=values)


async def update_settings(tx: Transaction, level: Level) -> None:
    """What is to be kept back at a locked level, when it counts as low, and when it was counted."""
    await tx.run(_UPDATE_SETTINGS, {"level_id": level.id} | {name: getattr(level, name) for name in _SETTINGS})


def insert_due(tx: Transaction, due: Mapping[str, bool]) -> None:
    """Note SKUs whose signals are to be looked at, each with whether units went."""
    insert_later(tx, StockDue.table, [{"sku": sku, "fell": fell} for sku, fell in due.items()])


async def insert_due_of(tx: Transaction, location_id: str, *, fell: bool) -> None:
    """The same for every SKU that has units for sale at the location."""
    stocked = (StockLevel.c.location_id == location_id, StockLevel.c.available + StockLevel.c.held > 0)
    rows = select(StockLevel.c.sku, literal(fell)).where(*stocked)
    await tx.run(insert(StockDue.table).from_select(["sku", "fell"], rows))


class EarlierDocument(NamedTuple):
    """What was asked for under a reference, and what was answered."""

    fingerprint: str
    answer: Mapping[str, Any]


async def insert_document(tx: Transaction, row: Mapping[str, Any]) -> EarlierDocument | None:
    """Write the document unless its owner's (kind, reference) has one; then answer that one.

    One under way elsewhere is waited for, so that of two equal requests exactly one does the work.
    """
    if await insert_ignore(tx, StockDocument.table, [row]):
        return None
    names = ("kind", "reference", "owner_id")
    same = [StockDocument.c[name] == row[name] for name in names]
    statement = select(StockDocument.c.fingerprint, StockDocument.c.answer).where(*same)
    (earlier,) = await tx.rows(EarlierDocument, statement)
    return earlier


async def update_document(tx: Transaction, document_id: str, answer: Mapping[str, Any]) -> None:
    """Keep what was answered."""
    await tx.run(update(StockDocument.table).where(StockDocument.c.id == document_id).values(answer=answer))
