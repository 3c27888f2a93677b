"""Expiry is a race for a state, not a timer: whoever locks the reservation first decides. The sweeper takes what is overdue in
batches, skips what somebody else is just changing, and comes back.
"""

import asyncio
from collections.abc import Sequence

from services.inventory.ledger.posting import Ledger, News
from services.inventory.reservations import repository, rules
from services.inventory.reservations.models import ReservationRow
from services.inventory.reservations.rendering import event
from shared.clock import Clock
from shared.contracts.inventory import ReservationExpired
from shared.db import Database, Transaction, sweep


class StockOverdue(Exception):
    """Not enough stock, but some is held by reservations whose time has run out: sweep, then ask again."""


class Expiring:
    """Gives the stock of unpaid orders back. Run by a loop, and at once when a reservation finds too little."""

    def __init__(self, db: Database, ledger: Ledger, clock: Clock, batch_size: int) -> None:
        self._db = db
        self._ledger = ledger
        self._clock = clock
        self._batch_size = batch_size
        self._sweeping: asyncio.Task[bool] | None = None

    async def tick(self) -> bool:
        """One batch; True when more may be waiting."""
        due = repository.due(self._clock.now())
        return await sweep(self._db, ReservationRow, due, self._batch_size, self._expire)

    async def _expire(self, tx: Transaction, rows: Sequence[ReservationRow]) -> None:
        overdue = await repository.loaded(tx, rows)
        posting = await self._ledger.open(
            tx, [(line.sku, line.location_id) for reservation in overdue for line in reservation.lines]
        )
        changed, news = [], []
        for reservation in overdue:
            version = reservation.version
            movements = rules.expire(reservation, posting.now)
            posting.move(movements)
            changed.append((reservation, version))
            news.append(News(event(ReservationExpired, reservation, movements)))
        await repository.save(tx, changed)
        await self._ledger.write(tx, posting, news)

    async def sweep(self) -> None:
        """Everything that is overdue now. Callers at the same time share one sweep.

        A call with an idempotency key holds a transaction of its own open, and must sweep inside it.
        """
        if self._db.is_joined():
            await self._sweep()
            return
        if self._sweeping is None or self._sweeping.done():
            self._sweeping = asyncio.create_task(self._sweep(), name="sweep overdue reservations")
        await asyncio.shield(self._sweeping)

    async def _sweep(self) -> bool:
        while await self.tick():
            pass
        return True
