"""Reading people: by customer id, by identifier, their timeline."""

from typing import Any

from pydantic_core import from_json
from sqlalchemy import Row, and_, func, or_, select

from services.segments.membership.models import Membership
from services.segments.profiles.repository import Person, identifiers, profile, trait
from services.segments.profiles.rules import identifier
from services.segments.profiles.schemas import IdentifierView, ProfileRow, ProfileView, TimelineEntry
from services.segments.rules.scalars import instant
from services.segments.tracking.models import StoredEvent
from shared.db import Transaction, table
from shared.service import Kit
from shared.web import BadRequest, Caller, NotFound, Page, Paging, fetch_page

event = table(StoredEvent)
membership = table(Membership)


async def customer_or_none(tx: Transaction, customer_id: str) -> Person | None:
    """The live profile of a customer, if there is one."""
    columns = (profile.c.uid, profile.c.id, profile.c.customer_id)
    row = (await tx.execute(select(*columns).where(profile.c.customer_id == customer_id))).one_or_none()
    return None if row is None else Person(row.uid, row.id, row.customer_id)


async def find_customer(tx: Transaction, customer_id: str) -> Person:
    """The profile of a customer. Raises a 404 problem."""
    person = await customer_or_none(tx, customer_id)
    if person is None:
        raise _unknown()
    return person


def _unknown() -> NotFound:
    return NotFound("profile_not_found", "Nobody is known by that id. People appear with their first tracked event.")


class People:
    """Questions about people. An end-user's token only ever finds its own customer."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    async def get(self, caller: Caller, key: str) -> ProfileView:
        """By customer id, or by profile id (`prf_…`), also one that was joined to another since."""
        async with self._kit.db.read() as tx:
            row = await self._find(tx, caller, key)
            return await self._view(tx, row)

    async def page(self, caller: Caller, paging: Paging, wanted: str | None) -> Page[ProfileRow]:
        """Newest first; with `identifier=type:value` only whom it names."""
        async with self._kit.db.read() as tx:
            columns = (profile.c.uid, profile.c.id, profile.c.customer_id, profile.c.created_at)
            chosen = select(*columns).where(profile.c.status == "live")
            if caller.customer_id is not None:
                chosen = chosen.where(profile.c.customer_id == caller.customer_id)
            if wanted is not None:
                kind, separator, value = wanted.partition(":")
                if not (kind and separator and value):
                    raise BadRequest("invalid_identifier", "`identifier` is type:value, such as phone:+8613800138000.")
                # A plus sign in a query string arrives as a space unless it is written as %2B.
                key = identifier(kind, f"+{value[1:]}" if kind == "phone" and value.startswith(" ") else value)
                named = select(identifiers.c.uid).where(identifiers.c.key == key)
                chosen = chosen.where(profile.c.uid.in_(named))
            return await fetch_page(tx, chosen, profile.c.uid, paging, ProfileRow.model_validate)

    async def timeline(self, caller: Caller, key: str, paging: Paging) -> Page[TimelineEntry]:
        """What somebody did, newest first by the time it happened."""
        async with self._kit.db.read() as tx:
            row = await self._find(tx, caller, key)
            chosen = select(event).where(event.c.uid == row.uid)
            if paging.after is not None:
                ts, last = paging.after
                chosen = chosen.where(or_(event.c.ts < ts, and_(event.c.ts == ts, event.c.id < last)))
            chosen = chosen.order_by(event.c.ts.desc(), event.c.id.desc()).limit(paging.limit + 1)
            rows = (await tx.execute(chosen)).all()
        shown, more = rows[: paging.limit], len(rows) > paging.limit
        cursor = paging.cursor([shown[-1].ts, shown[-1].id]) if more else None
        return Page[TimelineEntry](data=[_entry(one) for one in shown], has_more=more, next_cursor=cursor)

    async def _find(self, tx: Transaction, caller: Caller, key: str) -> Row[Any]:
        row = (await tx.execute(select(profile).where(profile.c.customer_id == key))).one_or_none()
        if row is None:
            row = (await tx.execute(select(profile).where(profile.c.id == key))).one_or_none()
        while row is not None and row.merged_into is not None:
            row = (await tx.execute(select(profile).where(profile.c.uid == row.merged_into))).one_or_none()
        if row is None:
            raise _unknown()
        if caller.customer_id is not None and row.customer_id != caller.customer_id:
            raise _unknown()
        return row

    async def _view(self, tx: Transaction, row: Row[Any]) -> ProfileView:
        traits = select(trait.c.name, trait.c.value).where(trait.c.uid == row.uid, trait.c.value.is_not(None))
        known = select(identifiers.c.key).where(identifiers.c.uid == row.uid).order_by(identifiers.c.key)
        inside = select(membership.c.segment_id).where(membership.c.uid == row.uid)
        counted = select(func.count().label("events"), func.max(event.c.ts).label("last")).where(event.c.uid == row.uid)
        activity = (await tx.execute(counted)).one()
        return ProfileView(
            id=row.id,
            customer_id=row.customer_id,
            traits={one.name: from_json(one.value) for one in (await tx.execute(traits.order_by(trait.c.name))).all()},
            identifiers=[_identifier(key) for key in (await tx.execute(known)).scalars()],
            events=activity.events,
            segments=sorted((await tx.execute(inside)).scalars().all()),
            created_at=row.created_at,
            last_seen_at=None if activity.last is None else instant(activity.last),
        )


def _identifier(key: str) -> IdentifierView:
    kind, _, value = key.partition(":")
    return IdentifierView(type=kind, value=value)


def _entry(row: Row[Any]) -> TimelineEntry:
    return TimelineEntry(
        message_id=row.message_id,
        type=row.type,
        event=row.name,
        timestamp=instant(row.ts),
        received_at=instant(row.received_at),
        properties=from_json(row.properties),
        traits=from_json(row.traits) if row.traits else {},
        history=row.history,
    )
