"""Expiry is a race for a state, not a timer: whoever locks the reservation first decides. The sweeper takes what is overdue in
batches, skips what somebody else is just changing, and comes back.
"""

import asyncio
from collections.abc import Sequence

from services.inventory.ledger.posting import Ledger, News
from services.inventory.ledger.rules import SYSTEM
from services.inventory.reservations import repository, rules
from services.inventory.reservations.models import ReservationRow
from services.inventory.reservations.views import event
from shared import deadline
from shared.contracts.inventory import ReservationExpired
from shared.db import Transaction, sweep
from shared.service import Kit

_LONGEST_SECONDS = 60.0


class StockOverdue(Exception):
    """Not enough stock, but some is held by reservations whose time has run out: sweep, then ask again."""


class ReservationSweeper:
    """Gives the stock of unpaid orders back. Run by a loop, and at once when a reservation finds too little."""

    def __init__(self, kit: Kit, ledger: Ledger, batch_size: int) -> None:
        self._db = kit.db
        self._clock = kit.clock
        self._ledger = ledger
        self._batch_size = batch_size
        self._sweeping: asyncio.Task[bool] | None = None

    async def sweep(self) -> bool | float:
        """One batch; True when more may be waiting, or the seconds until the next time runs out."""
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
            posting.move(movements, SYSTEM)
            changed.append((reservation, version))
            news.append(News(event(ReservationExpired, reservation, movements)))
        await repository.update_reservations(tx, changed)
        await self._ledger.write(tx, posting, news)

    async def sweep_all(self) -> None:
        """Everything that is overdue now. Callers at the same time share one sweep.

        A call with an idempotency key holds a transaction of its own open, and must sweep inside it.
        """
        if self._db.is_joined():
            await self._until_none()
            return
        if self._sweeping is None or self._sweeping.done():
            self._sweeping = asyncio.create_task(self._until_none(), name="sweep overdue reservations")
        async with asyncio.timeout(deadline.left(_LONGEST_SECONDS)):
            await asyncio.shield(self._sweeping)

    async def _until_none(self) -> bool:
        with deadline.within(_LONGEST_SECONDS, anew=True):  # not what is left to the one of its callers who came first
            while await self.sweep() is True:
                pass
        return True
