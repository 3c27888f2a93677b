"""What the audit proves, as queries for the rows that break it."""

from typing import Any, Final, NamedTuple

from sqlalchemy import Select, except_, func, literal, select, union_all

from services.segments.membership.batch_repository import Batch
from services.segments.membership.models import Membership, MembershipLog, Segment
from services.segments.profiles.models import Profile
from services.segments.rule_language.tree import Node
from shared.audit import Check
from shared.db import Transaction


class Misplaced(NamedTuple):
    """Somebody who is a `member` though they must not be, or is none though they must."""

    segment_id: str
    uid: int
    profile_id: str | None
    member: bool


def _misplaced(right: Select[Any], stored: Select[Any]) -> Select[Any]:
    """Where the memberships that are stored differ from the right ones; both as (segment_id, uid)."""
    wanted, found = right.cte("wanted"), stored.cte("found")
    missing = except_(select(wanted), select(found)).subquery()
    surplus = except_(select(found), select(wanted)).subquery()
    both = union_all(
        select(missing.c.segment_id, missing.c.uid, literal(False).label("member")),
        select(surplus.c.segment_id, surplus.c.uid, literal(True).label("member")),
    ).subquery()
    columns = (both.c.segment_id, both.c.uid, Profile.c.id.label("profile_id"), both.c.member)
    return select(*columns).select_from(both.outerjoin(Profile.table, Profile.c.uid == both.c.uid))


def _log() -> Select[Any]:
    last = select(func.max(MembershipLog.c.id)).group_by(MembershipLog.c.segment_id, MembershipLog.c.uid)
    entered = select(MembershipLog.c.segment_id, MembershipLog.c.uid).where(
        MembershipLog.c.id.in_(last), MembershipLog.c.change == "entered"
    )
    return _misplaced(entered, select(Membership.c.segment_id, Membership.c.uid))


def _counts() -> Select[Any]:
    rows = select(func.count()).where(Membership.c.segment_id == Segment.c.id).scalar_subquery()
    columns = (Segment.c.id.label("segment_id"), Segment.c.member_count, rows.label("rows"))
    return select(*columns).where(Segment.c.member_count != rows)


CHECKS: Final = (
    Check("membership_equals_log", "the last entry of the log says who is in a segment", _log()),
    Check("count_equals_rows", "each segment counts as many members as it has rows", _counts()),
)


async def find_misplaced(tx: Transaction, segment_id: str, node: Node, now: int) -> list[Misplaced]:
    """Whose membership of a segment differs from what its rule selects as of `now` (µs), by the batch evaluator."""
    selected = select(literal(segment_id).label("segment_id"), Batch(tx, now).members(node).c.uid)
    stored = select(Membership.c.segment_id, Membership.c.uid).where(Membership.c.segment_id == segment_id)
    return await tx.rows(Misplaced, _misplaced(selected, stored))
