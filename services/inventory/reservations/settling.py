"""Confirm 确认 and release 释放: the later steps of many orders share one transaction, as reserving does.

Rows are locked by reservation id, then levels by (sku, location). Whoever locks a reservation first decides what becomes of it;
the others find it decided and answer accordingly.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import datetime

from services.inventory.ledger.posting import Ledger, News, Posting
from services.inventory.ledger.rules import LevelKey, Movement
from services.inventory.reservations import repository, rules
from services.inventory.reservations.placement import Shortage, demand, place
from services.inventory.reservations.problems import no_reservation
from services.inventory.reservations.rules import Reservation
from services.inventory.reservations.sweeper import ReservationSweeper, StockOverdue
from services.inventory.reservations.views import event, reservation_json
from shared.batching import GroupCommit
from shared.contracts.inventory import ReservationConfirmed, ReservationEvent, ReservationReleased
from shared.db import Transaction
from shared.service import Kit
from shared.web import Caller, Gone, Problem

Transition = Callable[[Reservation, datetime], list[Movement]]


@dataclass(frozen=True, slots=True)
class Step:
    """One transition asked for: what it does, whether an expired reservation may take stock again for it, what it tells."""

    caller: Caller
    reservation_id: str
    transition: Transition
    tells: type[ReservationEvent] | None
    again: bool = False
    correlation: str | None = None
    swept: bool = False


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
        self._group: GroupCommit[Step, bytes] = GroupCommit("settlements", kit.db, self.batch, max_batch=max_batch)

    def running(self) -> AbstractAsyncContextManager[None]:
        """Requests are answered inside the block."""
        return self._group.running()

    async def confirm(self, caller: Caller, reservation_id: str, correlation: str | None) -> bytes:
        """The confirmed reservation as JSON. Raises NotFound, Conflict (`reservation_state`), Gone (`reservation_expired`)."""
        step = Step(caller, reservation_id, rules.confirm, ReservationConfirmed, True, correlation)
        try:
            return await self._group.submit(step)
        except StockOverdue:
            await self._sweeper.sweep_all()
            return await self._group.submit(replace(step, swept=True))

    async def release(self, caller: Caller, reservation_id: str, correlation: str | None) -> bytes:
        """The released reservation as JSON. Raises NotFound, Conflict (`reservation_state`)."""
        step = Step(caller, reservation_id, rules.release, ReservationReleased, False, correlation)
        return await self._group.submit(step)

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
    version = reservation.version
    if step.again and reservation.status == "expired":
        _place_again(reservation, posting)
        changes.placed_anew[reservation.id] = reservation
    movements = step.transition(reservation, posting.now)
    posting.move(movements)
    if reservation.version == version:
        return
    changes.before.setdefault(reservation.id, version)
    if step.tells and movements:
        changes.news.append(News(event(step.tells, reservation, movements), step.correlation))


def _place_again(reservation: Reservation, posting: Posting) -> None:
    """Paid after its time ran out: take the stock again where it is now, whole, or raise that it is gone."""
    wanted = demand((line.sku, line.location_id if line.pinned else None, line.quantity) for line in reservation.lines)
    places = place(wanted, posting.levels, posting.by_sku)
    if isinstance(places, Shortage):
        raise rules.expired(reservation)
    posting.move(rules.hold_again(reservation, places, posting.now))
