"""The SQL of journeys, their versions, and copies of foreign ids."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import and_, bindparam, insert, select, update

from services.journey.definition.models import Interest, Journey, JourneyVersion, KnownId
from services.journey.run import JourneyStatus
from shared.db import Transaction, excluded, insert_ignore, one_of, upsert
from shared.web import Caller, Page, Paging, filtered, offered, page_of, visible

V = TypeVar("V")
GONE = ("deleted", "archived", "ended", "voided")


class LiveVersion(NamedTuple):
    """The version of a published journey that new runs take."""

    id: str
    live_version: int
    owner_id: str


class _Status(NamedTuple):
    id: str
    status: JourneyStatus


class _Interest(NamedTuple):
    event_name: str
    key_property: str


_STATUSES = select(Journey.c.id, Journey.c.status).where(one_of(Journey.c.id, "ids"))
_PUBLISHED = (
    select(Journey.c.id, Journey.c.live_version, Journey.c.owner_id)
    .where(
        Journey.c.entry_kind == bindparam("kind"),
        one_of(Journey.c.entry_name, "names"),
        Journey.c.status == "published",
    )
    .order_by(Journey.c.id)
)
_INTERESTS = (
    select(Interest.c.event_name, Interest.c.key_property).where(one_of(Interest.c.event_name, "names")).distinct()
)


# -- journeys and their versions ------------------------------------------------------------------


async def insert_journey(tx: Transaction, values: Mapping[str, Any]) -> None:
    """A new journey; its first version is inserted by itself."""
    await tx.run(insert(Journey.table), values)


async def insert_version(
    tx: Transaction, journey_id: str, version: int, definition: Mapping[str, Any], now: datetime
) -> None:
    """A version as it was drawn."""
    values = {"journey_id": journey_id, "version": version, "definition": definition, "created_at": now}
    await tx.run(insert(JourneyVersion.table), values)


async def page(
    tx: Transaction,
    status: str | None,
    name: str | None,
    entry_kind: str | None,
    paging: Paging,
    to_view: Callable[[Journey], V],
) -> Page[V]:
    """Journeys, newest first."""
    wanted = {Journey.c.status: status, Journey.c.name: name, Journey.c.entry_kind: entry_kind}
    chosen = offered(filtered(select(Journey.table), wanted), Journey.c.owner_id, paging.caller)
    return await page_of(tx, Journey, chosen, Journey.c.id, paging, to_view)


async def find(tx: Transaction, caller: Caller, journey_id: str) -> Journey | None:
    """The journey of this id: the merchant's, or the caller's own."""
    chosen = select(Journey.table).where(Journey.c.id == journey_id)
    return await tx.row(Journey, offered(chosen, Journey.c.owner_id, caller))


async def find_own(tx: Transaction, caller: Caller, journey_id: str) -> Journey | None:
    """The same, if the caller may change it."""
    chosen = select(Journey.table).where(Journey.c.id == journey_id)
    return await tx.row(Journey, visible(chosen, Journey.c.owner_id, caller))


async def find_definition(tx: Transaction, journey_id: str, version: int) -> dict[str, Any] | None:
    """What was drawn in this version."""
    chosen = and_(JourneyVersion.c.journey_id == journey_id, JourneyVersion.c.version == version)
    found: dict[str, Any] | None = await tx.scalar(select(JourneyVersion.c.definition).where(chosen))
    return found


async def add_version(tx: Transaction, journey_id: str, name: str, now: datetime) -> int | None:
    """The number of the next version; None when there is no such journey, or it was stopped."""
    chosen = and_(Journey.c.id == journey_id, Journey.c.status != "stopped")
    values = {"version": Journey.c.version + 1, "name": name, "updated_at": now}
    statement = update(Journey.table).where(chosen).values(**values).returning(Journey.c.version)
    number: int | None = await tx.scalar(statement)
    return number


async def publish(tx: Transaction, journey_id: str, version: int, values: Mapping[str, Any]) -> bool:
    """Changes a journey that is not stopped, while `version` is its newest. False when it is not."""
    same = and_(Journey.c.id == journey_id, Journey.c.version == version, Journey.c.status != "stopped")
    return await tx.run(update(Journey.table).where(same).values(**values)) > 0


async def change_status(
    tx: Transaction, journey_id: str, before: Iterable[str], after: JourneyStatus, now: datetime
) -> bool:
    """From one of `before`; False when it stands elsewhere."""
    chosen = and_(Journey.c.id == journey_id, Journey.c.status.in_(before))
    return await tx.run(update(Journey.table).where(chosen).values(status=after, updated_at=now)) > 0


async def find_statuses(tx: Transaction, journey_ids: Iterable[str]) -> dict[str, JourneyStatus]:
    """The present status of each journey."""
    return dict(await tx.rows(_Status, _STATUSES, {"ids": set(journey_ids)}))


async def find_published(tx: Transaction, kind: str, names: Iterable[str]) -> list[LiveVersion]:
    """Published journeys that this kind of trigger starts, in the one order in which they are entered."""
    return await tx.rows(LiveVersion, _PUBLISHED, {"kind": kind, "names": set(names)})


# -- what versions listen to ----------------------------------------------------------------------


async def insert_interests(tx: Transaction, journey_id: str, interests: Iterable[tuple[str, str]]) -> None:
    """(event name, property of its key or '') of a version that goes live. Those of older ones stay, for their runs."""
    rows = [{"journey_id": journey_id, "event_name": event, "key_property": key} for event, key in sorted(interests)]
    await insert_ignore(tx, Interest.table, rows)


async def find_interests(tx: Transaction, event_names: Iterable[str]) -> dict[str, set[str]]:
    """For each event name that any journey cares about: the properties in which keys may be found."""
    found: dict[str, set[str]] = {}
    for row in await tx.rows(_Interest, _INTERESTS, {"names": set(event_names)}):
        found.setdefault(row.event_name, set()).update({row.key_property} - {""})
    return found


# -- copies of foreign ids ------------------------------------------------------------------------


async def upsert_known(tx: Transaction, values: Mapping[str, Any]) -> None:
    """Messages come in any order: an older version changes nothing."""
    newer = KnownId.c.version <= excluded(tx, KnownId.table).version
    await upsert(tx, KnownId.table, [values], ["kind", "id"], ["name", "status", "version"], where=newer)


async def find_known(tx: Transaction, kind: str, ids: Iterable[str]) -> list[str]:
    """Those of the ids that exist, as far as their owner told us."""
    chosen = and_(KnownId.c.kind == kind, one_of(KnownId.c.id, ids), KnownId.c.status.not_in(GONE))
    return await tx.scalars(select(KnownId.c.id).where(chosen))
