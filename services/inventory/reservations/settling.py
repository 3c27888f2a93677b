"""Confirm 确认 and release 释放: the later steps of many orders share one transaction, as reserving does.

Rows are locked by reservation id, then levels by (sku, location). Whoever locks a reservation first decides what becomes of it;
the others find it decided and answer accordingly.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, NamedTuple

from services.inventory.ledger.posting import Ledger, News, Posting
from services.inventory.ledger.rules import By, LevelKey, Movement
from services.inventory.reservations import problems, repository, rules
from services.inventory.reservations.placement import Demand, Shortage, place
from services.inventory.reservations.problems import no_reservation
from services.inventory.reservations.rules import Reservation
from services.inventory.reservations.sweeper import ReservationSweeper, StockOverdue
from services.inventory.reservations.views import event, reservation_json
from shared.batching import GroupCommit
from shared.contracts.inventory import ReservationConfirmed, ReservationEvent, ReservationReleased
from shared.db import Transaction
from shared.service import Kit
from shared.web import Caller, Gone, Keyed, KeyedCall, Problem, Submission

Transition = Callable[[Reservation, Demand | None, datetime], list[Movement]]


class Part(NamedTuple):
    """Which units a step is about (None: all), and what was remarked."""

    wanted: Demand | None = None
    remark: str | None = None


EVERYTHING: Final = Part()
_TOLD: Final[Mapping[str, type[ReservationEvent]]] = {
    "confirmed": ReservationConfirmed,
    "released": ReservationReleased,
}
"""By the reason of the movements; of what is shipped nobody is told."""


@dataclass(frozen=True, slots=True)
class Step:
    """One transition asked for: what it does, with which units (None: all), and whether an expired reservation may take stock
    again for it.
    """

    caller: Caller
    reservation_id: str
    transition: Transition
    part: Part = EVERYTHING
    again: bool = False
    correlation: str | None = None
    swept: bool = False

    @property
    def by(self) -> By:
        """Who moves the units, and why."""
        return By(self.caller.actor, self.part.remark)


@dataclass(slots=True)
class _Changes:
    """What a batch has to write: versions before by id, and the reservations that were placed anew."""

    before: dict[str, int]
    placed_anew: dict[str, Reservation]
    news: list[News]


class Settling:
    """Transitions of existing reservations."""

    def __init__(self, kit: Kit, ledger: Ledger, sweeper: ReservationSweeper, max_batch: int) -> None:
        self._ledger = ledger
        self._sweeper = sweeper
        work: Keyed[Step, bytes] = Keyed(kit, self.batch)
        self._group: GroupCommit[Submission[Step], bytes] = GroupCommit(
            "settlements", kit.db, work, max_batch=max_batch
        )

    def running(self) -> AbstractAsyncContextManager[None]:
        """Requests are answered inside the block."""
        return self._group.running()

    async def confirm(
        self, caller: Caller, reservation_id: str, part: Part, correlation: str | None, call: KeyedCall | None = None
    ) -> bytes:
        """The confirmed reservation as JSON.

        Raises NotFound, Conflict (`reservation_state`, `confirm_exceeds_reserved`, `confirmed_otherwise`), Gone
        (`reservation_expired`).
        """
        step = Step(caller, reservation_id, rules.confirm, part, True, correlation)
        try:
            return await self._group.submit(Submission(step, call, request_id=correlation))
        except StockOverdue:
            await self._sweeper.sweep_all()
            return await self._group.submit(Submission(replace(step, swept=True), call, request_id=correlation))

    async def release(self, caller: Caller, reservation_id: str, part: Part, correlation: str | None) -> bytes:
        """The reservation as JSON, released or with what is left of it.

        Raises NotFound, Conflict (`reservation_state`, `release_exceeds_reserved`).
        """
        step = Step(caller, reservation_id, rules.release, part, False, correlation)
        return await self._group.submit(Submission(step))

    async def batch(self, tx: Transaction, steps: Sequence[Step]) -> list[bytes | Exception]:
        """One transaction's work; also used for a single step inside a caller's transaction."""
        reservations = await repository.lock(tx, [step.reservation_id for step in steps])
        posting = await self._lock_stock(tx, steps, reservations)
        changes = _Changes({}, {}, [])
        results: list[bytes | Exception] = []
        for step in steps:
            reservation = reservations.get(step.reservation_id)
            if reservation is None or not step.caller.sees(reservation.owner_id):
                results.append(no_reservation(step.reservation_id))
                continue
            try:
                _take(step, reservation, posting, changes)
            except Problem as problem:
                results.append(problem)
            else:
                results.append(reservation_json(reservation))
        changed = [(reservations[id_], version) for id_, version in changes.before.items()]
        if changed:
            await repository.update_reservations(tx, changed)
            if changes.placed_anew:
                await repository.replace_lines(tx, list(changes.placed_anew.values()))
            await self._ledger.write(tx, posting, changes.news)
        return await self._without_overdue(tx, steps, results, posting)

    async def _without_overdue(
        self, tx: Transaction, steps: Sequence[Step], results: list[bytes | Exception], posting: Posting
    ) -> list[bytes | Exception]:
        """Nobody is told that the stock is gone while other orders hold some beyond their time."""
        late = [n for n, step in enumerate(steps) if step.again and not step.swept]
        gone = [n for n in late if isinstance(results[n], Gone)]
        if gone and await repository.any_due(tx, posting.now):
            for n in gone:
                results[n] = StockOverdue()
        return results

    async def _lock_stock(
        self, tx: Transaction, steps: Sequence[Step], reservations: dict[str, Reservation]
    ) -> Posting:
        retaken = {step.reservation_id for step in steps if step.again}
        keys: list[LevelKey] = []
        skus: list[str] = []
        for reservation in reservations.values():
            anew = reservation.status == "expired" and reservation.id in retaken
            for line in reservation.lines:
                if anew and not line.pinned:
                    skus.append(line.sku)
                elif anew or reservation.status in rules.OPEN:
                    keys.append((line.sku, line.location_id))
        return await self._ledger.open(tx, keys, skus)


def _take(step: Step, reservation: Reservation, posting: Posting, changes: _Changes) -> None:
    """Apply one step in memory, or raise its problem and change nothing."""
    version, wanted = reservation.version, step.part.wanted
    if step.again and reservation.status == "expired":
        _place_again(reservation, step, posting)
        changes.placed_anew[reservation.id] = reservation
        wanted = None  # what is held now is what is wanted
    movements = step.transition(reservation, wanted, posting.now)
    posting.move(movements, step.by)
    if reservation.version == version:
        return
    changes.before.setdefault(reservation.id, version)
    for reason, kind in _TOLD.items():
        moved = [movement for movement in movements if movement.reason == reason]
        if moved:
            changes.news.append(News(event(kind, reservation, moved), step.correlation))


def _place_again(reservation: Reservation, step: Step, posting: Posting) -> None:
    """Paid after its time ran out: take the stock again where it is now, whole, or raise that it is gone."""
    units = rules.wanted_again(reservation, step.part.wanted)
    places = place(rules.demand_of(reservation, units), posting.levels, posting.by_sku)
    if isinstance(places, Shortage):
        raise problems.stock_gone(reservation.id, reservation.expires_at)
    posting.move(rules.hold_again(reservation, places, units, posting.now), step.by)
