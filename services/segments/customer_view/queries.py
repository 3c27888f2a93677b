"""Reading people: by customer id, by identifier, their timeline."""

from pydantic_core import from_json

from services.segments.customer_view import repository
from services.segments.customer_view.schemas import IdentifierView, ProfileRow, ProfileView, TimelineEntry
from services.segments.events import repository as events
from services.segments.events.models import StoredEvent
from services.segments.membership.repository import find_segments
from services.segments.profiles import repository as profiles
from services.segments.profiles.models import Profile
from services.segments.profiles.problems import unknown_profile
from services.segments.profiles.rules import identifier
from services.segments.rule_language.scalars import instant
from shared.db import Transaction
from shared.service import Kit
from shared.web import BadRequest, Caller, Page, Paging


class CustomerViews:
    """Questions about people. An end-user's token only ever finds its own customer."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    async def page(self, caller: Caller, paging: Paging, wanted: str | None) -> Page[ProfileRow]:
        """Newest first; with `identifier=type:value` only whom it names."""
        key = None
        if wanted is not None:
            kind, separator, value = wanted.partition(":")
            if not (kind and separator and value):
                raise BadRequest("invalid_identifier", "`identifier` is type:value, such as phone:+8613800138000.")
            # A plus sign in a query string arrives as a space unless it is written as %2B.
            key = identifier(kind, f"+{value[1:]}" if kind == "phone" and value.startswith(" ") else value)
        async with self._kit.db.read() as tx:
            return await repository.page(tx, paging, caller.customer_id, key)

    async def read(self, caller: Caller, key: str) -> ProfileView:
        """By customer id, or by profile id (`prf_…`), also one that was joined to another since."""
        async with self._kit.db.read() as tx:
            row = await _read(tx, caller, key)
            traits = await profiles.find_stated(tx, row.uid)
            known = await profiles.find_identifiers(tx, row.uid)
            inside = (await find_segments(tx, [row.uid]))[row.uid]
            activity = await events.count(tx, row.uid)
        return ProfileView(
            id=row.id,
            customer_id=row.customer_id,
            traits={name: from_json(value) for name, value in traits.items()},
            identifiers=[_identifier(key) for key in known],
            events=activity.events,
            segments=sorted(inside),
            created_at=row.created_at,
            last_seen_at=None if activity.last is None else instant(activity.last),
        )

    async def timeline(self, caller: Caller, key: str, paging: Paging) -> Page[TimelineEntry]:
        """What somebody did, newest first by the time it happened."""
        async with self._kit.db.read() as tx:
            row = await _read(tx, caller, key)
            rows = await events.find_before(tx, row.uid, paging.after, paging.limit + 1)
        shown, more = rows[: paging.limit], len(rows) > paging.limit
        cursor = paging.cursor([shown[-1].ts, shown[-1].id]) if more else None
        return Page[TimelineEntry](data=[_entry(one) for one in shown], has_more=more, next_cursor=cursor)


async def _read(tx: Transaction, caller: Caller, key: str) -> Profile:
    row = await profiles.find_profile(tx, key)
    if row is None or caller.customer_id not in (None, row.customer_id):
        raise unknown_profile()
    return row


def _identifier(key: str) -> IdentifierView:
    kind, _, value = key.partition(":")
    return IdentifierView(type=kind, value=value)


def _entry(row: StoredEvent) -> TimelineEntry:
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
