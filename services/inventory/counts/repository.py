"""The SQL of counts: what moved at a level since some version of it."""

from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, case, func, select

from services.inventory.ledger.models import StockMovement
from services.inventory.ledger.rules import COUNT_KEY, ON_HAND, LevelKey
from shared.db import Transaction

_SKEW: Final = timedelta(minutes=1)
"""By which the clocks of two processes may differ: ids sort by their maker's clock, versions by the lock."""


class _Moved(NamedTuple):
    id: str
    level_version: int
    occurred_at: datetime


async def version_at(tx: Transaction, key: LevelKey, as_of: datetime) -> int:
    """The version of a level at an instant; 0 before its first movement."""
    found = await tx.row(_Moved, _newest(key).where(StockMovement.c.occurred_at <= as_of))
    return found.level_version if found else 0


async def on_hand_since(tx: Transaction, key: LevelKey, version: int) -> int:
    """By how much the units on hand have changed since the level had this version, what counts changed left out.

    Reads the newest movements first and stops a little below the version, however long the history is.
    """
    to, source = StockMovement.c.to_state, StockMovement.c.from_state
    came = and_(to.in_(ON_HAND), source.not_in(ON_HAND))
    left = and_(source.in_(ON_HAND), to.not_in(ON_HAND))
    signed = case((came, StockMovement.c.quantity), (left, -StockMovement.c.quantity), else_=0)
    since = [StockMovement.c.level_version > version, ~StockMovement.c.key.startswith(COUNT_KEY)]
    before = await _well_before(tx, key, version)
    if before is not None:
        since.append(StockMovement.c.id > before)
    return int(await tx.scalar(select(func.coalesce(func.sum(signed), 0)).where(*_of(key), *since)) or 0)


async def _well_before(tx: Transaction, key: LevelKey, version: int) -> str | None:
    """The id of a movement below which nothing can be newer than the version; None when there is none."""
    older = _newest(key).where(StockMovement.c.level_version <= version)
    last = await tx.row(_Moved, older)
    if last is None:
        return None
    sure = await tx.row(_Moved, older.where(StockMovement.c.occurred_at < last.occurred_at - _SKEW))
    return sure.id if sure else None


def _of(key: LevelKey) -> list[ColumnElement[bool]]:
    return [StockMovement.c.sku == key[0], StockMovement.c.location_id == key[1]]


def _newest(key: LevelKey) -> Select[Any]:
    columns = (StockMovement.c.id, StockMovement.c.level_version, StockMovement.c.occurred_at)
    return select(*columns).where(*_of(key)).order_by(StockMovement.c.id.desc()).limit(1)
