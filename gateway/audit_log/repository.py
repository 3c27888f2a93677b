"""The SQL of the audit log and its chain."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Select, bindparam, delete, insert, select, update

from gateway.audit_log.models import AuditChain, AuditEntry, Kind
from gateway.audit_log.rules import NOTHING
from shared.db import Transaction, insert_ignore
from shared.web import Caller, Page, Paging, filtered, page_of

T = TypeVar("T")
_PLACE = (
    update(AuditEntry.table)
    .where(AuditEntry.c.id == bindparam("entry_id"))
    .values(seq=bindparam("place"), previous=bindparam("before_it"), hash=bindparam("own"))
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries; None asks for all. `since` is included, `until` is not."""

    kind: Kind | None = None
    actor: str | None = None
    action: str | None = None
    object_id: str | None = None
    request_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class Link(NamedTuple):
    """An entry's place in the chain."""

    seq: int
    hash: str


async def insert_entry(tx: Transaction, row: Mapping[str, Any]) -> None:
    """Append one entry."""
    await tx.run(insert(AuditEntry.table).values(**row))


async def close_entry(tx: Transaction, entry_id: str, values: Mapping[str, Any]) -> bool:
    """Say what became of a call. False when that is known already."""
    still = (AuditEntry.c.id == entry_id) & AuditEntry.c.open
    return await tx.run(update(AuditEntry.table).where(still).values(**values, open=False)) > 0


async def close_forgotten(tx: Transaction, before: datetime) -> int:
    """Calls whose gateway was killed in the midst: nobody knows what became of them."""
    still = AuditEntry.c.open & AuditEntry.c.seq.is_(None) & (AuditEntry.c.at < before)
    return await tx.run(update(AuditEntry.table).where(still).values(open=False, detail={"outcome": "unknown"}))


async def page(
    tx: Transaction, caller: Caller, wanted: Wanted, paging: Paging, to_view: Callable[[AuditEntry], T]
) -> Page[T]:
    """Entries, newest first."""
    return await page_of(tx, AuditEntry, visible(caller, wanted), AuditEntry.c.id, paging, to_view)


async def find(tx: Transaction, caller: Caller, entry_id: str) -> AuditEntry | None:
    """One entry, if the caller may see it."""
    return await tx.row(AuditEntry, visible(caller, Wanted()).where(AuditEntry.c.id == entry_id))


async def entries_after(tx: Transaction, caller: Caller, wanted: Wanted, last: str, most: int) -> list[AuditEntry]:
    """Entries in the order in which they were written."""
    statement = visible(caller, wanted).where(AuditEntry.c.id > last)
    return await tx.rows(AuditEntry, statement.order_by(AuditEntry.c.id).limit(most))


def visible(caller: Caller, wanted: Wanted) -> Select[*tuple[Any, ...]]:
    """The merchant's secret keys and operators see everything, other keys what concerns their owner, a partner's only facts."""
    names = ("kind", "actor", "action", "object_id", "request_id")
    statement = filtered(select(AuditEntry.table), {AuditEntry.table.c[name]: getattr(wanted, name) for name in names})
    if wanted.since is not None:
        statement = statement.where(AuditEntry.c.at >= wanted.since)
    if wanted.until is not None:
        statement = statement.where(AuditEntry.c.at < wanted.until)
    if caller.sees_all:
        return statement
    statement = statement.where(AuditEntry.c.owner_id == caller.owner_id)
    return statement if caller.wall is None else statement.where(AuditEntry.c.kind == "fact")


# the chain


async def first_unchained(tx: Transaction) -> tuple[bool, datetime | None]:
    """Whether an entry waits for its place; and since when the oldest call is open."""
    waiting = select(AuditEntry.c.id).where(AuditEntry.c.seq.is_(None), AuditEntry.c.open.is_(False)).limit(1)
    oldest = select(AuditEntry.c.at).where(AuditEntry.c.seq.is_(None), AuditEntry.c.open).order_by(AuditEntry.c.id)
    return await tx.scalar(waiting) is not None, await tx.scalar(oldest.limit(1))


async def lock_chain(tx: Transaction) -> AuditChain:
    """The chain's ends, held: one writer at a time."""
    first = {"id": 1, "seq": 0, "hash": NOTHING, "base_seq": 0, "base_hash": NOTHING}
    await insert_ignore(tx, AuditChain.table, [first])
    found = await tx.row(AuditChain, select(AuditChain.table).with_for_update())
    assert found is not None  # noqa: S101 - it was there, or is now
    return found


async def find_chain(tx: Transaction) -> AuditChain | None:
    """The chain's ends; None before its first entry."""
    return await tx.row(AuditChain, select(AuditChain.table))


async def update_chain(tx: Transaction, values: Mapping[str, Any]) -> None:
    """Move an end of the chain."""
    await tx.run(update(AuditChain.table).values(**values))


async def unchained(tx: Transaction, most: int) -> list[AuditEntry]:
    """Entries that wait for their place, in the order of their making."""
    waiting = select(AuditEntry.table).where(AuditEntry.c.seq.is_(None), AuditEntry.c.open.is_(False))
    return await tx.rows(AuditEntry, waiting.order_by(AuditEntry.c.id).limit(most))


async def update_places(tx: Transaction, places: Sequence[Mapping[str, Any]]) -> None:
    """Give entries their place: `{"entry_id", "place", "before_it", "own"}` for each."""
    await tx.run(_PLACE, list(places))


async def chained_after(tx: Transaction, last: int, until: int, most: int) -> list[AuditEntry]:
    """Entries by their place."""
    places = (AuditEntry.c.seq > last) & (AuditEntry.c.seq <= until)
    return await tx.rows(AuditEntry, select(AuditEntry.table).where(places).order_by(AuditEntry.c.seq).limit(most))


async def oldest_beyond(tx: Transaction, before: datetime, most: int) -> Link | None:
    """The last of the next `most` entries by place, all of which are older than `before`."""
    first = select(AuditEntry.c.seq, AuditEntry.c.hash, AuditEntry.c.at).where(AuditEntry.c.seq.is_not(None))
    oldest = first.order_by(AuditEntry.c.seq).limit(most).subquery()
    younger = select(oldest.c.seq).where(oldest.c.at >= before).order_by(oldest.c.seq).limit(1).scalar_subquery()
    older = select(oldest.c.seq, oldest.c.hash).where(oldest.c.at < before)
    older = older.where((younger.is_(None)) | (oldest.c.seq < younger))
    return await tx.row(Link, older.order_by(oldest.c.seq.desc()).limit(1))


async def delete_until(tx: Transaction, seq: int) -> int:
    """Forget the oldest entries."""
    return await tx.run(delete(AuditEntry.table).where(AuditEntry.c.seq <= seq))
