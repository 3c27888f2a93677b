"""Creating, editing and archiving segments. Every change of what is evaluated is made under the exclusive lock of the book."""

from typing import Any

from sqlalchemy import Row, func, insert, select, update

from services.segments.membership.backfilling import Backfill
from services.segments.membership.models import LeafDefinition, Segment, SegmentVersion
from services.segments.membership.rulebook import Book, Rulebooks, hold_exclusive, turn_page
from services.segments.membership.schemas import Progress, SegmentIn, SegmentPatch, SegmentView, VersionView
from services.segments.profiles.models import Profile
from services.segments.rules.faults import Faults
from services.segments.rules.parser import parse_rule, references, write_rule
from services.segments.rules.tree import Node
from services.segments.settings import SegmentsSettings
from shared.contracts import SegmentChanged
from shared.db import Transaction, table, upsert
from shared.ids import new_id
from shared.service import Kit
from shared.web import Caller, Conflict, FieldError, NotFound, Page, Paging, Unprocessable, fetch_page

segment = table(Segment)
segment_version = table(SegmentVersion)
leaf_definition = table(LeafDefinition)
profile = table(Profile)


def refused_rule(faults: Faults) -> Unprocessable:
    """The problem for a rule that can't be read: every fault with its pointer; the code is that of the first."""
    first = faults.faults[0]
    errors = [FieldError(pointer=one.pointer, code=one.code, detail=one.detail) for one in faults.faults[:50]]
    return Unprocessable(first.code, f"{first.pointer}: {first.detail}", errors=errors)


class Segments:
    """The definitions."""

    def __init__(self, kit: Kit, rulebooks: Rulebooks, backfill: Backfill, settings: SegmentsSettings) -> None:
        self._kit = kit
        self._rulebooks = rulebooks
        self._backfill = backfill
        self._settings = settings

    async def create(self, caller: Caller, body: SegmentIn) -> SegmentView:
        """A new segment. A small shop's is live at once; a large one's backfills in the background."""
        async with self._kit.db.write() as tx:
            await hold_exclusive(tx)
            book = await self._rulebooks.current(tx)
            node, zone = self.read(body.rule, body.time_zone, book)
            now = self._kit.clock.now()
            segment_id = new_id("seg")
            row = {
                "id": segment_id, "name": body.name, "time_zone": zone, "rule": write_rule(node),
                "status": "backfilling", "version": 1, "created_at": now, "updated_at": now,
            }  # fmt: skip
            await tx.execute(insert(segment).values(**row))
            await self._define(tx, caller, segment_id, 1, write_rule(node), zone)
            return await self._begin(tx, segment_id)

    async def change(self, caller: Caller, segment_id: str, body: SegmentPatch) -> SegmentView:
        """A new name takes effect at once; a new rule is a new version, and backfills."""
        async with self._kit.db.write() as tx:
            await hold_exclusive(tx)
            book = await self._rulebooks.current(tx)
            row = await self._living(tx, segment_id)
            node, zone = self.read(
                body.rule if body.rule is not None else row.rule, body.time_zone or row.time_zone, book, segment_id
            )
            changes: dict[str, Any] = {"name": body.name or row.name, "updated_at": self._kit.clock.now()}
            same = node == self._rulebooks.parse(row)
            if not same:
                changes |= {
                    "rule": write_rule(node), "time_zone": zone, "version": row.version + 1,
                    "status": "backfilling", "cursor": 0, "entered": 0, "exited": 0,
                }  # fmt: skip
            await tx.execute(update(segment).where(segment.c.id == segment_id).values(**changes))
            if same:
                await turn_page(tx)
                return await self._tell(tx, segment_id)
            await self._define(tx, caller, segment_id, row.version + 1, write_rule(node), zone)
            return await self._begin(tx, segment_id)

    async def archive(self, segment_id: str) -> SegmentView:
        """Stop evaluating. Its memberships stay as they were, and can be read. Refused while another segment needs it."""
        async with self._kit.db.write() as tx:
            await hold_exclusive(tx)
            book = await self._rulebooks.current(tx)
            await self._living(tx, segment_id)
            users = [one.id for one in book.dependents.get(segment_id, ())]
            if users:
                raise Conflict(
                    "segment_in_use",
                    "Other segments refer to this one; change or archive them first.",
                    referenced_by=users,
                )
            changes = {"status": "archived", "updated_at": self._kit.clock.now()}
            await tx.execute(update(segment).where(segment.c.id == segment_id).values(**changes))
            await turn_page(tx)
            await self._mark_leaves(tx)
            return await self._tell(tx, segment_id)

    def read(self, rule: object, time_zone: str | None, book: Book, segment_id: str | None = None) -> tuple[Node, str]:
        """The tree of a rule for a segment. Raises a 422 problem that names every fault."""
        zone = time_zone or self._settings.default_time_zone
        circular = _needing(book, segment_id) if segment_id is not None else set()
        try:
            node = parse_rule(
                rule,
                time_zone=zone,
                currency=self._settings.default_currency,
                known_segments=book.by_id,
                circular=circular,
            )
        except Faults as faults:
            raise refused_rule(faults) from None
        return node, zone

    async def get(self, segment_id: str) -> SegmentView:
        async with self._kit.db.read() as tx:
            return await self._view(tx, await find(tx, segment_id))

    async def page(self, paging: Paging, status: str | None) -> Page[SegmentView]:
        async with self._kit.db.read() as tx:
            total = await tx.scalar(_LIVE_PROFILES)
            chosen = select(segment)
            chosen = chosen.where(segment.c.status == status if status else segment.c.status != "archived")
            return await fetch_page(tx, chosen, segment.c.id, paging, lambda row: view(row, total))

    async def versions(self, segment_id: str, paging: Paging) -> Page[VersionView]:
        async with self._kit.db.read() as tx:
            await find(tx, segment_id)
            chosen = select(segment_version).where(segment_version.c.segment_id == segment_id)
            return await fetch_page(tx, chosen, segment_version.c.version, paging, VersionView.model_validate)

    async def _living(self, tx: Transaction, segment_id: str) -> Row[Any]:
        row = await find(tx, segment_id)
        if row.status == "archived":
            raise Conflict("segment_archived", "This segment is archived and can't change; create a new one.")
        return row

    async def _define(
        self, tx: Transaction, caller: Caller, segment_id: str, version: int, rule: dict[str, Any], zone: str
    ) -> None:
        row = {
            "segment_id": segment_id, "version": version, "rule": rule, "time_zone": zone,
            "created_at": self._kit.clock.now(), "key_id": caller.key_id,
        }  # fmt: skip
        await tx.execute(insert(segment_version).values(**row))
        await turn_page(tx)
        await self._mark_leaves(tx)

    async def _mark_leaves(self, tx: Transaction) -> None:
        """Which leaves are in use now: those no longer used lose their readiness, for nobody keeps them up to date."""
        book = await self._rulebooks.current(tx)
        rows = [{"id": leaf, "ready": False, "used": True} for leaf in sorted(book.state_leaves)]
        await tx.execute(
            update(leaf_definition)
            .where(leaf_definition.c.id.not_in(list(book.state_leaves)))
            .values(used=False, ready=False)
        )
        await upsert(tx, leaf_definition, rows, ("id",), ("used",))
        tx.after_commit(self._backfill.wake.set)

    async def _begin(self, tx: Transaction, segment_id: str) -> SegmentView:
        shown = await self._tell(tx, segment_id)
        total = await tx.scalar(_LIVE_PROFILES)
        if total <= self._settings.backfill_chunk:
            while await self._backfill.advance(tx) and (await find(tx, segment_id)).status == "backfilling":
                pass
            shown = await self._view(tx, await find(tx, segment_id))
        return shown

    async def _tell(self, tx: Transaction, segment_id: str) -> SegmentView:
        row = await find(tx, segment_id)
        changed = SegmentChanged(segment_id=row.id, name_text=row.name, status=row.status, version_number=row.version)
        await self._kit.outbox.publish(tx, [changed], subject=lambda event: event.segment_id)
        return await self._view(tx, row)

    async def _view(self, tx: Transaction, row: Row[Any]) -> SegmentView:
        return view(row, await tx.scalar(_LIVE_PROFILES) if row.status == "backfilling" else 0)


_LIVE_PROFILES = select(func.count()).where(profile.c.status == "live")


async def find(tx: Transaction, segment_id: str) -> Row[Any]:
    """The row of a segment. Raises a 404 problem."""
    row = (await tx.execute(select(segment).where(segment.c.id == segment_id))).one_or_none()
    if row is None:
        raise NotFound("segment_not_found", "There is no such segment; list them with GET /v1/segments.")
    return row


def view(row: Row[Any], total: int) -> SegmentView:
    """`total`: how many live profiles there are."""
    progress = None
    if row.status == "backfilling":
        progress = Progress(done=min(row.cursor, total), total=total, entered=row.entered, exited=row.exited)
    return SegmentView(
        id=row.id,
        name=row.name,
        rule=row.rule,
        time_zone=row.time_zone,
        status=row.status,
        version=row.version,
        count=row.member_count,
        backfill=progress,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _needing(book: Book, segment_id: str) -> set[str]:
    """The segment itself and all that refer to it, directly or through others."""
    found = {segment_id}
    for one in book.segments:  # in order: whoever refers to one comes after it
        if references(one.node) & found:
            found.add(one.id)
    return found
