"""Creating, changing and archiving segments. What is evaluated changes under the exclusive lock of the rule set only."""

from typing import Any

from services.segments.membership import segment_repository as repository
from services.segments.membership.backfilling import Backfill
from services.segments.membership.cache import RuleCache
from services.segments.membership.models import Segment
from services.segments.membership.problems import refused_rule, segment_archived, segment_in_use
from services.segments.membership.rule_set import RuleSet
from services.segments.membership.schemas import SegmentIn, SegmentPatch, SegmentView, VersionView
from services.segments.membership.views import segment_view
from services.segments.profiles.repository import count_live
from services.segments.rule_language.faults import Faults
from services.segments.rule_language.parser import parse_rule, references, write_rule
from services.segments.rule_language.tree import Node
from services.segments.settings import SegmentsSettings
from shared.contracts import SegmentChanged
from shared.db import Transaction
from shared.ids import new_id
from shared.service import Kit
from shared.web import Caller, Page, Paging


class Segments:
    """The definitions."""

    def __init__(self, kit: Kit, cache: RuleCache, backfill: Backfill, settings: SegmentsSettings) -> None:
        self._kit = kit
        self._cache = cache
        self._backfill = backfill
        self._settings = settings

    async def create(self, caller: Caller, body: SegmentIn) -> SegmentView:
        """A new segment. A small shop's is live at once; a large one's backfills in the background."""
        async with self._kit.db.write() as tx:
            await repository.lock_exclusive(tx)
            node, zone = self.parse(caller, body.rule, body.time_zone, await self._cache.current(tx))
            now = self._kit.clock.now()
            segment_id = new_id("seg")
            row = {
                "id": segment_id, "owner_id": caller.owner_id, "name": body.name, "time_zone": zone, "rule": write_rule(node),
                "status": "backfilling", "version": 1, "created_at": now, "updated_at": now,
            }  # fmt: skip
            await repository.insert_segment(tx, row)
            await self._define(tx, caller, segment_id, 1, write_rule(node), zone)
            return await self._begin(tx, segment_id)

    async def change(self, caller: Caller, segment_id: str, body: SegmentPatch) -> SegmentView:
        """A new name takes effect at once; a new rule is a new version, and backfills."""
        async with self._kit.db.write() as tx:
            await repository.lock_exclusive(tx)
            rules = await self._cache.current(tx)
            row = await _read_living(tx, caller, segment_id)
            rule = body.rule if body.rule is not None else row.rule
            node, zone = self.parse(caller, rule, body.time_zone or row.time_zone, rules, segment_id)
            changes: dict[str, Any] = {"name": body.name or row.name, "updated_at": self._kit.clock.now()}
            same = node == self._cache.parse(row)
            if not same:
                changes |= {
                    "rule": write_rule(node), "time_zone": zone, "version": row.version + 1,
                    "status": "backfilling", "cursor": 0, "entered": 0, "exited": 0,
                }  # fmt: skip
            await repository.update_segment(tx, segment_id, changes)
            if same:
                await repository.update_revision(tx)
                return await self._publish(tx, segment_id)
            await self._define(tx, caller, segment_id, row.version + 1, write_rule(node), zone)
            return await self._begin(tx, segment_id)

    async def archive(self, caller: Caller, segment_id: str) -> SegmentView:
        """Stop evaluating. Its memberships stay as they were, and can be read. Refused while another segment needs it."""
        async with self._kit.db.write() as tx:
            await repository.lock_exclusive(tx)
            rules = await self._cache.current(tx)
            await _read_living(tx, caller, segment_id)
            users = [one.id for one in rules.dependents.get(segment_id, ())]
            if users:
                raise segment_in_use(users)
            changes = {"status": "archived", "updated_at": self._kit.clock.now()}
            await repository.update_segment(tx, segment_id, changes)
            await repository.update_revision(tx)
            await self._mark_leaves(tx)
            return await self._publish(tx, segment_id)

    def parse(
        self, caller: Caller, rule: object, time_zone: str | None, rules: RuleSet, segment_id: str | None = None
    ) -> tuple[Node, str]:
        """The tree of a rule for a segment, and its zone. Raises a 422 problem that names every fault; another partner's
        segment is unknown.
        """
        zone = time_zone or self._settings.default_time_zone
        circular = _needing(rules, segment_id) if segment_id is not None else set()
        try:
            node = parse_rule(
                rule,
                time_zone=zone,
                currency=self._settings.default_currency,
                known_segments={one.id for one in rules.segments if caller.offered(one.owner_id)},
                circular=circular,
            )
        except Faults as faults:
            raise refused_rule(faults) from None
        return node, zone

    async def read(self, caller: Caller, segment_id: str) -> SegmentView:
        """One segment. Raises a 404 problem."""
        async with self._kit.db.read() as tx:
            return await _view(tx, await repository.read_offered(tx, caller, segment_id))

    async def page(self, paging: Paging, status: str | None) -> Page[SegmentView]:
        """Newest first: those of a status, else all but archived ones."""
        async with self._kit.db.read() as tx:
            return await repository.segments_page(tx, status, paging, await count_live(tx))

    async def versions(self, segment_id: str, paging: Paging) -> Page[VersionView]:
        """Every definition that a segment had, newest first."""
        async with self._kit.db.read() as tx:
            await repository.read_offered(tx, paging.caller, segment_id)
            return await repository.versions_page(tx, segment_id, paging)

    async def _define(
        self, tx: Transaction, caller: Caller, segment_id: str, version: int, rule: dict[str, Any], zone: str
    ) -> None:
        row = {
            "segment_id": segment_id, "version": version, "rule": rule, "time_zone": zone,
            "created_at": self._kit.clock.now(), "key_id": caller.key_id,
        }  # fmt: skip
        await repository.insert_version(tx, row)
        await repository.update_revision(tx)
        await self._mark_leaves(tx)

    async def _mark_leaves(self, tx: Transaction) -> None:
        rules = await self._cache.current(tx)
        await repository.update_used_leaves(tx, rules.state_leaves.keys())
        tx.after_commit(self._backfill.wake.set)

    async def _begin(self, tx: Transaction, segment_id: str) -> SegmentView:
        shown = await self._publish(tx, segment_id)
        if await count_live(tx) <= self._settings.backfill_chunk:
            row = await repository.read_segment(tx, segment_id)
            while row.status == "backfilling" and await self._backfill.advance(tx):
                row = await repository.read_segment(tx, segment_id)
            shown = await _view(tx, row)
        return shown

    async def _publish(self, tx: Transaction, segment_id: str) -> SegmentView:
        row = await repository.read_segment(tx, segment_id)
        changed = SegmentChanged(segment_id=row.id, name_text=row.name, status=row.status, version_number=row.version)
        await self._kit.outbox.publish(tx, [changed], subject=lambda event: event.segment_id)
        return await _view(tx, row)


async def _read_living(tx: Transaction, caller: Caller, segment_id: str) -> Segment:
    row = await repository.read_own(tx, caller, segment_id)
    if row.status == "archived":
        raise segment_archived()
    return row


async def _view(tx: Transaction, row: Segment) -> SegmentView:
    return segment_view(row, await count_live(tx) if row.status == "backfilling" else 0)


def _needing(rules: RuleSet, segment_id: str) -> set[str]:
    """The segment itself and all that refer to it, directly or through others."""
    found = {segment_id}
    for one in rules.segments:  # in order: whoever refers to one comes after it
        if references(one.node) & found:
            found.add(one.id)
    return found
