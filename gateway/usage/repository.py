"""The SQL of usage."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeVar

from sqlalchemy import ColumnElement, Select, func, null, select

from gateway.usage.models import UsageCount
from gateway.usage.rules import OUTCOMES
from shared.db import Transaction, upsert_bulk
from shared.web import Caller, Page, Paging, page_of

T = TypeVar("T")
Numbers = Mapping[str, str | int]
GroupBy = Literal["key", "route", "day"]
_COLUMNS = {"key": UsageCount.c.key_id, "route": UsageCount.c.route, "day": UsageCount.c.day}


@dataclass(frozen=True, slots=True)
class WantedUsage:
    """Which days, both included, of which key (None: all), summed by what."""

    first: str
    last: str
    key_id: str | None
    group_by: GroupBy


class Used(NamedTuple):
    """One sum. Of `key_id` (with its `owner_id`), `route` and `day` that is told by which was summed."""

    key_id: str | None
    owner_id: str | None
    route: str | None
    day: str | None
    succeeded: int
    refused: int
    limited: int
    failed: int
    unanswered: int


async def add_counts(tx: Transaction, rows: Sequence[Numbers]) -> None:
    """Count up. `rows` come in one order, so that replicas don't lock each other out."""
    await upsert_bulk(tx, UsageCount.table, rows, [], added=OUTCOMES)


async def page(
    tx: Transaction, caller: Caller, wanted: WantedUsage, paging: Paging, to_view: Callable[[Used], T]
) -> Page[T]:
    """Sums in the order of what they are summed by; days newest first."""
    ordered = paging if wanted.group_by == "day" else paging.ascending()
    return await page_of(tx, Used, _sums(caller, wanted), _COLUMNS[wanted.group_by], ordered, to_view)


async def sums_after(tx: Transaction, caller: Caller, wanted: WantedUsage, last: str, most: int) -> list[Used]:
    """Sums in the order of what they are summed by."""
    key = _COLUMNS[wanted.group_by]
    return await tx.rows(Used, _sums(caller, wanted).where(key > last).order_by(key).limit(most))


def _sums(caller: Caller, wanted: WantedUsage) -> Select[Any]:
    by = wanted.group_by
    named: list[ColumnElement[Any]] = [
        UsageCount.c.key_id if by == "key" else null().label("key_id"),
        (func.min(UsageCount.c.owner_id) if by == "key" else null()).label("owner_id"),
        UsageCount.c.route if by == "route" else null().label("route"),
        UsageCount.c.day if by == "day" else null().label("day"),
    ]
    sums = [func.sum(UsageCount.c[name]).label(name) for name in OUTCOMES]
    statement = select(*named, *sums).where(UsageCount.c.day.between(wanted.first, wanted.last))
    if not caller.sees_all:
        statement = statement.where(UsageCount.c.owner_id == caller.owner_id)
    if wanted.key_id is not None:
        statement = statement.where(UsageCount.c.key_id == wanted.key_id)
    return statement.group_by(_COLUMNS[by])


def older_than(day: str) -> ColumnElement[bool]:
    """Of a row: it is of a day before this one."""
    return UsageCount.c.day < day
