"""The SQL of runs: claim, lock, fence, save, end; and who entered when."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import ColumnElement, and_, bindparam, func, or_, select, text, update

from services.journey.definition.models import Journey
from services.journey.engine.models import LIVE_SQL, Enrolment, RunRow
from services.journey.run import Run, RunState
from shared.db import Transaction, claim_due, excluded, insert_ignore, one_of, upsert
from shared.web import Caller, Page, Paging, filtered, page_of, visible

V = TypeVar("V")
_live = text(LIVE_SQL)
"""Literal, so that both planners can use the partial indexes."""
_scheduled = text(f"{LIVE_SQL} AND NOT held")
_IDS = one_of(RunRow.c.id, "ids")
_LOCK = select(RunRow.table).where(_IDS).order_by(RunRow.c.id).with_for_update()
_LOCK_IDS = select(RunRow.c.id).where(_IDS).order_by(RunRow.c.id).with_for_update()
_FENCE = (
    update(RunRow.table)
    .where(_IDS, one_of((RunRow.c.id, RunRow.c.seq), "known"))  # by ids first, so that pairs never scan the table
    .values(seq=RunRow.c.seq + 1)
    .returning(RunRow.c.id)
)
_SAVED = (
    *("state", "node_id", "arrived_at", "due_at", "steps", "asks", "reason", "goal_at", "context"),
    *("ended_at", "lease_until", "attempts", "held", "signal"),
)
"""What a step may change; `seq` is changed by the fence."""
_SAVE = (
    update(RunRow.table)
    .where(RunRow.c.id == bindparam("run_id"))
    .values({name: bindparam(f"new_{name}", type_=RunRow.c[name].type) for name in _SAVED})
)


class _End(NamedTuple):
    state: RunState
    reason: str | None


def to_run(row: RunRow) -> Run:
    """The run in a row."""
    return Run(
        id=row.id,
        journey_id=row.journey_id,
        version=row.version,
        customer_id=row.customer_id,
        entry_key=row.entry_key,
        trigger_id=row.trigger_id,
        since=row.since,
        entered_at=row.entered_at,
        state=row.state,
        node_id=row.node_id,
        arrived_at=row.arrived_at,
        due_at=row.due_at,
        seq=row.seq,
        steps=row.steps,
        asks=row.asks,
        reason=row.reason,
        goal_at=row.goal_at,
        ended_at=row.ended_at,
        owner_id=row.owner_id,
        **row.context,
    )


def to_values(run: Run) -> dict[str, Any]:
    """The columns that a step may change."""
    return {
        "state": run.state,
        "node_id": run.node_id,
        "arrived_at": run.arrived_at,
        "due_at": run.due_at,
        "steps": run.steps,
        "asks": run.asks,
        "reason": run.reason,
        "goal_at": run.goal_at,
        "context": run.context,
    }


def _unleased(now: datetime) -> ColumnElement[bool]:
    return or_(RunRow.c.lease_until.is_(None), RunRow.c.lease_until <= now)


async def claim(tx: Transaction, now: datetime, lease: timedelta, limit: int) -> list[RunRow]:
    """Due runs for this worker, each with one more attempt on its account, so that one that kills its worker is noticed."""
    return await claim_due(
        tx,
        RunRow,
        where=and_(_scheduled, RunRow.c.due_at <= now, _unleased(now)),
        order_by=RunRow.c.due_at,
        limit=limit,
        values={"lease_until": now + lease, "attempts": RunRow.c.attempts + 1},
    )


async def next_due(tx: Transaction, now: datetime) -> datetime | None:
    """When the next run is due that nobody works on; those that somebody works on are so again when their leases end."""
    free = select(RunRow.c.due_at).where(_scheduled, _unleased(now)).order_by(RunRow.c.due_at).limit(1)
    taken = select(func.min(RunRow.c.lease_until)).where(_scheduled, RunRow.c.due_at <= now, RunRow.c.lease_until > now)
    instants = [await tx.scalar(free), await tx.scalar(taken)]
    return min((instant for instant in instants if instant is not None), default=None)


async def lock(tx: Transaction, run_ids: Iterable[str]) -> list[RunRow]:
    """The rows, locked in the one order in which everybody locks runs."""
    wanted = set(run_ids)
    return await tx.rows(RunRow, _LOCK, {"ids": wanted}) if wanted else []


async def fence(tx: Transaction, runs: Sequence[Run]) -> set[str]:
    """Takes the next `seq` of each run. Only who still knew the present one wins; answers the winners' ids."""
    if not runs:
        return set()
    ids = [run.id for run in runs]
    await tx.scalars(_LOCK_IDS, {"ids": ids})
    return set(await tx.scalars(_FENCE, {"ids": ids, "known": [(run.id, run.seq) for run in runs]}))


async def save(tx: Transaction, changes: Sequence[Mapping[str, Any]]) -> None:
    """Writes fenced runs; each mapping holds `id` and all columns that a step may change."""
    if changes:
        rows = [{"run_id": change["id"], **{f"new_{name}": change[name] for name in _SAVED}} for change in changes]
        await tx.run(_SAVE, rows)


async def insert_runs(tx: Transaction, runs: Sequence[Run]) -> list[Run]:
    """Answers those that may begin: of the same trigger only one does, and no customer has two in flight with one key."""
    new = {key for (key,) in await insert_ignore(tx, RunRow.table, [_new_row(run) for run in runs])}
    return [run for run in runs if run.id in new]


def _new_row(run: Run) -> dict[str, Any]:
    names = (
        "id",
        "owner_id",
        "journey_id",
        "version",
        "customer_id",
        "entry_key",
        "trigger_id",
        "since",
        "entered_at",
        "seq",
    )
    fixed = {name: getattr(run, name) for name in names}
    rest = {"ended_at": None, "lease_until": None, "attempts": 0, "held": False, "signal": None}
    return {**fixed, **to_values(run), **rest}


async def find(tx: Transaction, caller: Caller, run_id: str) -> RunRow | None:
    """The run of this id."""
    return await tx.row(RunRow, visible(select(RunRow.table).where(RunRow.c.id == run_id), RunRow.c.owner_id, caller))


async def why_ended(tx: Transaction, run_id: str) -> str | None:
    """Why a run was ended before its end, such as `run_exited: exit_event`; None when it was not."""
    statement = select(RunRow.c.state, RunRow.c.reason).where(RunRow.c.id == run_id)
    found = await tx.row(_End, statement.where(RunRow.c.state.in_(("exited", "failed"))))
    return None if found is None else f"run_{found.state}: {found.reason}"


async def page(
    tx: Transaction,
    journey_id: str,
    customer_id: str | None,
    state: RunState | None,
    paging: Paging,
    to_view: Callable[[RunRow], V],
) -> Page[V]:
    """Runs of a journey, newest first."""
    wanted = {RunRow.c.journey_id: journey_id, RunRow.c.customer_id: customer_id, RunRow.c.state: state}
    chosen = visible(filtered(select(RunRow.table), wanted), RunRow.c.owner_id, paging.caller)
    return await page_of(tx, RunRow, chosen, RunRow.c.id, paging, to_view)


# -- after a change of the journey's status -------------------------------------------------------


def _to_hasten(now: datetime) -> ColumnElement[bool]:
    stopped = select(Journey.c.id).where(Journey.c.status == "stopped")
    return and_(_live, RunRow.c.journey_id.in_(stopped), RunRow.c.due_at > now)


def _to_release() -> ColumnElement[bool]:
    unpaused = select(Journey.c.id).where(Journey.c.status != "paused")
    return and_(text("held"), RunRow.c.journey_id.in_(unpaused))


async def any_to_sweep(tx: Transaction, now: datetime) -> bool:
    """True when a run is to be hastened or released: looked at first, so that nobody waits for a writer without work."""
    for chosen in (_to_hasten(now), _to_release()):
        if await tx.scalar(select(RunRow.c.id).where(chosen).limit(1)) is not None:
            return True
    return False


async def hasten_stopped(tx: Transaction, now: datetime, limit: int) -> int:
    """Makes runs of stopped journeys due, so that they end; answers how many."""
    return await tx.run(update(RunRow.table).where(_some(_to_hasten(now), limit)).values(due_at=now, held=False))


async def release_held(tx: Transaction, limit: int) -> int:
    """Lets runs go on whose journeys are not paused any more; answers how many."""
    return await tx.run(update(RunRow.table).where(_some(_to_release(), limit)).values(held=False))


def _some(where: ColumnElement[bool], limit: int) -> ColumnElement[bool]:
    return RunRow.c.id.in_(select(RunRow.c.id).where(where).limit(limit))


# -- who entered when -----------------------------------------------------------------------------


async def insert_enrolments(tx: Transaction, rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """(customer, key) of those that were not there before."""
    columns = [Enrolment.c.customer_id, Enrolment.c.entry_key]
    return [(customer_id, key) for customer_id, key in await insert_ignore(tx, Enrolment.table, rows, columns)]


async def count_entries(tx: Transaction, rows: Sequence[Mapping[str, Any]]) -> None:
    """Adds to the entries of these customers and keys."""
    new = excluded(tx, Enrolment.table)
    changes = {"entries": Enrolment.c.entries + new.entries, "last_at": new.last_at}
    await upsert(tx, Enrolment.table, rows, ["journey_id", "customer_id", "entry_key"], changes)
