"""The SQL of leaf states and memberships."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import and_, bindparam, delete, func, insert, null, or_, select, update

from services.segments.membership.models import LeafState, Membership, MembershipLog, Segment
from services.segments.membership.rules import Leaves, MemberChange, State
from services.segments.membership.schemas import MemberView
from services.segments.profiles.models import Profile
from services.segments.rule_language.measures import Contribution
from services.segments.rule_language.scalars import instant
from shared.db import Transaction, json_dumps, json_loads, one_of, upsert_bulk
from shared.web import Page, Paging, page_of


class _Value(NamedTuple):
    uid: int
    leaf_id: int
    value: bool


class _Inside(NamedTuple):
    uid: int
    segment_id: str


class _Member(NamedTuple):
    uid: int
    since: int
    id: str
    customer_id: str | None


class DueState(NamedTuple):
    """The key of a leaf state that is due."""

    uid: int
    leaf_id: int


_STATES = select(LeafState.table).where(
    one_of(LeafState.c.uid, "uids"),
    or_(one_of(LeafState.c.leaf_id, "leaf_ids"), LeafState.c.next_flip_at <= bindparam("due")),
)
_VALUES = select(LeafState.c.uid, LeafState.c.leaf_id, LeafState.c.value).where(one_of(LeafState.c.uid, "uids"))
_INSIDE = select(Membership.c.uid, Membership.c.segment_id).where(one_of(Membership.c.uid, "uids"))
_NEXT_FLIP = select(func.min(LeafState.c.next_flip_at))
_DELETE_STATES = delete(LeafState.table).where(one_of(LeafState.c.uid, "uids"))


async def find_states(
    tx: Transaction, uids: Collection[int], leaf_ids: Collection[int], due: int
) -> dict[tuple[int, int], State]:
    """The stored states of these leaves of these profiles, and whatever of theirs is due at `due` (µs)."""
    if not uids:
        return {}
    rows = await tx.rows(LeafState, _STATES, {"uids": uids, "leaf_ids": leaf_ids, "due": due})
    return {
        (row.uid, row.leaf_id): State(row.value, _evidence(row.evidence), row.next_flip_at, stored=True) for row in rows
    }


def _evidence(text: str | None) -> list[Contribution] | None:
    return None if text is None else [Contribution(*one) for one in json_loads(text)]


async def find_values(tx: Transaction, uids: Collection[int]) -> dict[int, dict[int, bool]]:
    """Every stored leaf value of these profiles, by uid and leaf id."""
    found: dict[int, dict[int, bool]] = {uid: {} for uid in uids}
    for uid, leaf_id, value in await tx.rows(_Value, _VALUES, {"uids": uids}):
        found[uid][leaf_id] = value
    return found


async def find_segments(tx: Transaction, uids: Collection[int]) -> dict[int, set[str]]:
    """The segments that these profiles are in, by uid."""
    found: dict[int, set[str]] = {uid: set() for uid in uids}
    for uid, segment_id in await tx.rows(_Inside, _INSIDE, {"uids": uids}):
        found[uid].add(segment_id)
    return found


async def save_states(tx: Transaction, leaves: Leaves, defaults: dict[int, bool]) -> int | None:
    """Write what changed; answers the earliest flip among it. A default state without evidence needs no row."""
    rows: list[dict[str, Any]] = []
    gone: list[dict[str, Any]] = []
    for (uid, leaf_id), state in leaves.states.items():
        if not state.dirty:
            continue
        if state.evidence == [] and state.next_flip_at is None and state.value == defaults[leaf_id]:
            gone += [{"gone_uid": uid, "gone_leaf": leaf_id}] if state.stored else []
            continue
        evidence = None if state.evidence is None else json_dumps(state.evidence)
        rows.append(
            {
                "uid": uid,
                "leaf_id": leaf_id,
                "value": state.value,
                "evidence": evidence,
                "next_flip_at": state.next_flip_at,
            }
        )
    rows.sort(key=lambda row: (row["uid"], row["leaf_id"]))
    await upsert_bulk(tx, LeafState.table, rows, ("value", "evidence", "next_flip_at"))
    if gone:
        await tx.run(_DELETE_STATE, gone)
    return min((row["next_flip_at"] for row in rows if row["next_flip_at"] is not None), default=None)


async def delete_states(tx: Transaction, uids: Collection[int]) -> None:
    """Drop every leaf state of profiles that are no more."""
    await tx.run(_DELETE_STATES, {"uids": uids})


_DELETE_STATE = delete(LeafState.table).where(
    and_(LeafState.c.uid == bindparam("gone_uid"), LeafState.c.leaf_id == bindparam("gone_leaf"))
)
_LEAVE = delete(Membership.table).where(
    and_(Membership.c.uid == bindparam("left_uid"), Membership.c.segment_id == bindparam("left_segment"))
)
_COUNT = (
    update(Segment.table)
    .where(Segment.c.id == bindparam("counted"))
    .values(member_count=Segment.c.member_count + bindparam("difference"))
)


async def save_changes(tx: Transaction, changes: Sequence[MemberChange]) -> None:
    """Membership rows, the log and the counters, all in this transaction."""
    if not changes:
        return
    last = {(change.uid, change.segment.id): change for change in changes}
    entered, left = _net(changes, last.values())
    await upsert_bulk(tx, Membership.table, entered, ("since", "version"))
    if left:
        await tx.run(_LEAVE, left)
    await tx.run(insert(MembershipLog.table), [_log_row(change) for change in changes])
    differences: dict[str, int] = {}
    for change in changes:
        differences[change.segment.id] = differences.get(change.segment.id, 0) + (1 if change.entered else -1)
    counts = [{"counted": one, "difference": by} for one, by in sorted(differences.items()) if by]
    if counts:
        await tx.run(_COUNT, counts)


def _net(
    changes: Sequence[MemberChange], last: Iterable[MemberChange]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    first: dict[tuple[int, str], MemberChange] = {}
    for change in changes:
        first.setdefault((change.uid, change.segment.id), change)
    entered, left = [], []
    for change in sorted(last, key=lambda change: (change.uid, change.segment.id)):
        if change.entered:
            entered.append(
                {
                    "uid": change.uid,
                    "segment_id": change.segment.id,
                    "since": change.at,
                    "version": change.segment.version,
                }
            )
        elif not first[change.uid, change.segment.id].entered:
            left.append({"left_uid": change.uid, "left_segment": change.segment.id})
    return entered, left


def _log_row(change: MemberChange) -> dict[str, Any]:
    return {
        "segment_id": change.segment.id,
        "version": change.segment.version,
        "uid": change.uid,
        "change": "entered" if change.entered else "exited",
        "at": change.at,
        "cause": change.cause,
    }


async def find_next_flip(tx: Transaction) -> int | None:
    """The earliest instant (µs) at which something changes because time passes."""
    found: int | None = await tx.scalar(_NEXT_FLIP)
    return found


async def find_due(tx: Transaction, now: int, limit: int) -> list[DueState]:
    """The next states that are due by `now` (µs), in the order of their instants."""
    due = select(LeafState.c.uid, LeafState.c.leaf_id).where(LeafState.c.next_flip_at <= now)
    return await tx.rows(DueState, due.order_by(LeafState.c.next_flip_at).limit(limit))


async def update_never_due(tx: Transaction, states: Collection[tuple[int, int]]) -> None:
    """Nothing happens to these states by time any more."""
    chosen = one_of((LeafState.c.uid, LeafState.c.leaf_id), states)
    await tx.run(update(LeafState.table).where(chosen).values(next_flip_at=null()))


async def find_since(tx: Transaction, segment_id: str, uid: int) -> int | None:
    """Since when (µs) somebody is in a segment; None where they are not."""
    found: int | None = await tx.scalar(
        select(Membership.c.since).where(Membership.c.segment_id == segment_id, Membership.c.uid == uid)
    )
    return found


async def members_page(tx: Transaction, segment_id: str, paging: Paging) -> Page[MemberView]:
    """Who is in a segment, newest profiles first."""
    columns = (Membership.c.uid, Membership.c.since, Profile.c.id, Profile.c.customer_id)
    chosen = select(*columns).join(Profile.table, Profile.c.uid == Membership.c.uid)
    chosen = chosen.where(Membership.c.segment_id == segment_id)
    return await page_of(tx, _Member, chosen, Membership.c.uid, paging, _member_view)


def _member_view(row: _Member) -> MemberView:
    return MemberView(profile_id=row.id, customer_id=row.customer_id, since=instant(row.since))
