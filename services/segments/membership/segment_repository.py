"""The SQL of segments, their versions and leaves, and the lock of the rule set.

Who works on single profiles (ingestion, sweeper) holds the lock shared; who changes what is evaluated (definitions, backfill)
holds it exclusively, so nobody works with an old rule set. SQLite has one writer and needs no lock.
"""

import secrets
from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, not_, select, update

from services.segments.membership.models import (
    LeafDefinition,
    LeafState,
    RuleSetRevision,
    Segment,
    SegmentVersion,
)
from services.segments.membership.problems import unknown_segment
from services.segments.membership.schemas import SegmentView, VersionView
from services.segments.membership.views import segment_view
from shared.db import Transaction, delete_some, one_of, upsert
from shared.web import Caller, Page, Paging, offered, page_of, visible

_LOCK = 0x5E6_0001
"""PostgreSQL advisory lock of the rule set."""
_REVISION = select(RuleSetRevision.c.revision).where(RuleSetRevision.c.id == 1)
_EVALUATED = select(Segment.table).where(Segment.c.status != "archived")
_READY = select(LeafDefinition.c.id).where(LeafDefinition.c.ready)
_BACKFILLING = select(func.count()).where(Segment.c.status == "backfilling")
_COUNT_UNUSED = select(func.count()).where(LeafDefinition.c.used.is_(False))
_UNUSED = select(LeafDefinition.c.id).where(LeafDefinition.c.used.is_(False))


async def lock_shared(tx: Transaction) -> None:
    """Work on single profiles: many at a time, none while the rule set changes."""
    if tx.dialect == "postgresql":
        await tx.scalar(select(func.pg_advisory_xact_lock_shared(_LOCK)))


async def lock_exclusive(tx: Transaction) -> None:
    """Change the rule set, or go over all profiles: nobody else works meanwhile. First thing in the transaction."""
    if tx.dialect == "postgresql":
        await tx.scalar(select(func.pg_advisory_xact_lock(_LOCK)))


async def find_revision(tx: Transaction) -> int:
    """Another number after every change of the rule set."""
    return int(await tx.scalar(_REVISION) or 0)


async def update_revision(tx: Transaction) -> None:
    """Tell every process that the rule set changed. A number that never comes twice: a transaction that is rolled back must
    not leave a rule set in memory that passes for the next one."""
    changed = [{"id": 1, "revision": secrets.randbits(62)}]
    await upsert(tx, RuleSetRevision.table, changed, ("id",), ("revision",))


async def find_evaluated(tx: Transaction) -> list[Segment]:
    """Every segment that is not archived."""
    return await tx.rows(Segment, _EVALUATED)


async def find_ready_leaves(tx: Transaction) -> list[int]:
    """The leaves whose state is complete for every profile."""
    return await tx.scalars(_READY)


async def read_segment(tx: Transaction, segment_id: str) -> Segment:
    """One segment. Raises a 404 problem."""
    return _found(await tx.row(Segment, select(Segment.table).where(Segment.c.id == segment_id)))


async def read_offered(tx: Transaction, caller: Caller, segment_id: str) -> Segment:
    """The same, if it exists for the caller: the merchant's and their own."""
    chosen = select(Segment.table).where(Segment.c.id == segment_id)
    return _found(await tx.row(Segment, offered(chosen, Segment.c.owner_id, caller)))


async def read_own(tx: Transaction, caller: Caller, segment_id: str) -> Segment:
    """The same, if the caller may change it."""
    chosen = select(Segment.table).where(Segment.c.id == segment_id)
    return _found(await tx.row(Segment, visible(chosen, Segment.c.owner_id, caller)))


def _found(row: Segment | None) -> Segment:
    if row is None:
        raise unknown_segment()
    return row


async def segments_page(tx: Transaction, status: str | None, paging: Paging, profiles: int) -> Page[SegmentView]:
    """Segments of a status (else all but archived ones), newest first. `profiles`: how many live profiles there are."""
    chosen = select(Segment.table).where(Segment.c.status == status if status else Segment.c.status != "archived")
    chosen = offered(chosen, Segment.c.owner_id, paging.caller)
    return await page_of(tx, Segment, chosen, Segment.c.id, paging, lambda row: segment_view(row, profiles))


async def versions_page(tx: Transaction, segment_id: str, paging: Paging) -> Page[VersionView]:
    """The versions of one segment, newest first."""
    chosen = select(SegmentVersion.table).where(SegmentVersion.c.segment_id == segment_id)
    return await page_of(tx, SegmentVersion, chosen, SegmentVersion.c.version, paging, VersionView.model_validate)


async def insert_segment(tx: Transaction, row: dict[str, Any]) -> None:
    """A segment that was not there before."""
    await tx.run(insert(Segment.table).values(**row))


async def insert_version(tx: Transaction, row: dict[str, Any]) -> None:
    """One more definition of a segment."""
    await tx.run(insert(SegmentVersion.table).values(**row))


async def update_segment(tx: Transaction, segment_id: str, changes: dict[str, Any]) -> None:
    """Set these columns of one segment."""
    await tx.run(update(Segment.table).where(Segment.c.id == segment_id).values(**changes))


async def update_used_leaves(tx: Transaction, used: Collection[int]) -> None:
    """Which leaves are in use now: those no longer used lose their readiness, for nobody keeps them up to date."""
    unused = update(LeafDefinition.table).where(not_(one_of(LeafDefinition.c.id, used)))
    await tx.run(unused.values(used=False, ready=False))
    rows = [{"id": leaf, "ready": False, "used": True} for leaf in sorted(used)]
    await upsert(tx, LeafDefinition.table, rows, ("id",), ("used",))


async def has_background_work(tx: Transaction) -> bool:
    """Whether a segment waits for its backfill, or a leaf that nobody uses for its end."""
    return bool(await tx.scalar(_BACKFILLING)) or bool(await tx.scalar(_COUNT_UNUSED))


async def update_progress(tx: Transaction, segment_id: str, cursor: int, entered: int, exited: int) -> None:
    """A backfill came to `cursor`, and changed so many memberships more."""
    progress = {
        "cursor": cursor,
        "entered": Segment.c.entered + entered,
        "exited": Segment.c.exited + exited,
    }
    await update_segment(tx, segment_id, progress)


async def update_live(tx: Transaction, segment_id: str, leaves: Collection[int], now: datetime) -> None:
    """The segment is live, and the states of its leaves are complete."""
    await update_segment(tx, segment_id, {"status": "live", "updated_at": now})
    await tx.run(update(LeafDefinition.table).where(one_of(LeafDefinition.c.id, leaves)).values(ready=True))


async def delete_unused_leaves(tx: Transaction, limit: int) -> bool:
    """Delete up to `limit` states of leaves that no segment uses, and with the last of them the leaves. True: more wait."""
    gone = await delete_some(tx, LeafState.table, LeafState.c.leaf_id.in_(_UNUSED), limit)
    if gone < limit:
        await tx.run(delete(LeafDefinition.table).where(LeafDefinition.c.used.is_(False)))
    return gone > 0
