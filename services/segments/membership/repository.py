"""The SQL of leaf states and memberships."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import and_, bindparam, delete, insert, or_, select, update

from services.segments.membership.evaluating import Leaves, MemberChange, State
from services.segments.membership.models import LeafState, Membership, MembershipLog, Segment
from services.segments.rules.measures import Contribution
from services.segments.sets import any_of, put
from shared.db import Transaction, json_dumps, json_loads, table

leaf_state = table(LeafState)
membership = table(Membership)
membership_log = table(MembershipLog)
segment = table(Segment)


async def load_states(
    tx: Transaction, uids: Collection[int], leaf_ids: Collection[int], due: int
) -> dict[tuple[int, int], State]:
    """The stored states of these leaves of these profiles, and whatever of theirs is due at `due` (µs)."""
    if not uids:
        return {}
    wanted = or_(any_of(tx, leaf_state.c.leaf_id, leaf_ids), leaf_state.c.next_flip_at <= due)
    rows: Iterable[Any] = await tx.execute(select(leaf_state).where(any_of(tx, leaf_state.c.uid, uids), wanted))
    return {
        (uid, leaf_id): State(value, _evidence(evidence), next_flip_at, stored=True)
        for uid, leaf_id, value, evidence, next_flip_at in rows
    }


def _evidence(text: str | None) -> list[Contribution] | None:
    return None if text is None else [Contribution(*one) for one in json_loads(text)]


async def load_values(tx: Transaction, uids: Collection[int]) -> dict[int, dict[int, bool]]:
    """Every stored leaf value of these profiles, by uid and leaf id."""
    found: dict[int, dict[int, bool]] = {uid: {} for uid in uids}
    columns = (leaf_state.c.uid, leaf_state.c.leaf_id, leaf_state.c.value)
    for row in (await tx.execute(select(*columns).where(any_of(tx, leaf_state.c.uid, uids)))).all():
        found[row.uid][row.leaf_id] = row.value
    return found


async def load_inside(tx: Transaction, uids: Collection[int]) -> dict[int, set[str]]:
    """The segments that these profiles are in, by uid."""
    found: dict[int, set[str]] = {uid: set() for uid in uids}
    columns = (membership.c.uid, membership.c.segment_id)
    for row in (await tx.execute(select(*columns).where(any_of(tx, membership.c.uid, uids)))).all():
        found[row.uid].add(row.segment_id)
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
    await put(tx, leaf_state, rows, ("value", "evidence", "next_flip_at"))
    if gone:
        await tx.execute(_FORGET_STATE, gone)
    return min((row["next_flip_at"] for row in rows if row["next_flip_at"] is not None), default=None)


async def forget_states(tx: Transaction, uids: Collection[int]) -> None:
    """Drop every leaf state of profiles that are no more."""
    await tx.execute(delete(leaf_state).where(any_of(tx, leaf_state.c.uid, uids)))


_FORGET_STATE = delete(leaf_state).where(
    and_(leaf_state.c.uid == bindparam("gone_uid"), leaf_state.c.leaf_id == bindparam("gone_leaf"))
)
_LEAVE = delete(membership).where(
    and_(membership.c.uid == bindparam("left_uid"), membership.c.segment_id == bindparam("left_segment"))
)
_COUNT = (
    update(segment)
    .where(segment.c.id == bindparam("counted"))
    .values(member_count=segment.c.member_count + bindparam("difference"))
)


async def save_changes(tx: Transaction, changes: Sequence[MemberChange]) -> None:
    """Membership rows, the log and the counters, all in this transaction."""
    if not changes:
        return
    last = {(change.uid, change.segment.id): change for change in changes}
    entered, left = _net(changes, last.values())
    await put(tx, membership, entered, ("since", "version"))
    if left:
        await tx.execute(_LEAVE, left)
    await tx.execute(insert(membership_log), [_log_row(change) for change in changes])
    differences: dict[str, int] = {}
    for change in changes:
        differences[change.segment.id] = differences.get(change.segment.id, 0) + (1 if change.entered else -1)
    counts = [{"counted": one, "difference": by} for one, by in sorted(differences.items()) if by]
    if counts:
        await tx.execute(_COUNT, counts)


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
