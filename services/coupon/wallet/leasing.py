"""Which part of a hot offer this process may give out by itself: when to lease, what is still good, when it goes back.

What is kept in memory are hints that spare a question; the lease's row decides, locked by the batch that uses it.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.coupon.templates import lease_repository as leases
from services.coupon.templates.models import Template
from services.coupon.templates.supply import Supply
from services.coupon.wallet.new_coupons import Lot
from services.coupon.wallet.rules import lease_size
from shared.db import Transaction, sweep
from shared.ids import new_id
from shared.service import Kit

_BATCH = 100


@dataclass(slots=True)
class _Hint:
    unused: int
    expires_at: datetime


class Leasing:
    """The leases of this process, whose name among all is `holder`."""

    def __init__(self, kit: Kit, size: int, seconds: float, hot: int) -> None:
        """`size` is the most coupons that one lease holds; 0 for no leases. `hot`: claims in a batch that are worth one."""
        self.holder = new_id("hld")
        self._kit = kit
        self._size = size
        self._time = timedelta(seconds=seconds)
        self._hot = hot
        self._hints: dict[str, _Hint] = {}
        self._leased = False

    def usable(self, needs: Mapping[str, int], now: datetime) -> list[str]:
        """The templates among `needs` (id → how many) that a lease of ours seems to be enough for."""
        found = []
        for template_id, number in needs.items():
            hint = self._hints.get(template_id)
            if hint is not None and hint.unused >= number and hint.expires_at > now:
                found.append(template_id)
        return found

    def forget(self, template_ids: list[str]) -> None:
        """They were not what they seemed: a change of the offer or another process's need ended them."""
        for template_id in template_ids:
            self._hints.pop(template_id, None)

    async def spend(self, tx: Transaction, used: dict[str, int]) -> None:
        """Take so many by template out of our leases, whose rows are held."""
        await leases.spend(tx, self.holder, used)
        for template_id, number in used.items():
            self._hints[template_id].unused -= number

    async def lease(self, tx: Transaction, lot: Lot, supply: Supply, wishes: int) -> int:
        """Take a lease of a template that other processes want as well, where enough is left; answers of how many.

        The template's row is held. The caller counts what is leased as given out.
        """
        shared = lot.row.granted_by is not None and lot.row.granted_by != self.holder
        if not shared or wishes < self._hot or lease_size(supply, self._size) == 0:
            return 0
        for rest in await leases.take_back(tx, lot.row.id, self.holder):
            await leases.give_back(tx, [rest])
            supply.give(rest.unused, rest.cost, rest.day == lot.day)
        number = lease_size(supply, self._size)
        expires_at = lot.now + self._time
        row = {"template_id": lot.row.id, "unused": number, "cost": lot.cost, "day": lot.day, "expires_at": expires_at}
        await leases.insert_lease(tx, self.holder, row)
        self._hints[lot.row.id] = _Hint(number, expires_at)
        self._leased = True
        return number

    async def recall(self, tx: Transaction, lot: Lot, supply: Supply) -> bool:
        """Take back whatever any process holds of a template whose row is held; `supply` grows. True when it was something."""
        returned = await leases.take_back(tx, lot.row.id)
        await leases.give_back(tx, returned)
        for one in returned:
            supply.give(one.unused, one.cost, one.day == lot.day)
        return any(one.unused for one in returned)

    async def sweep(self) -> bool | float:
        """Give back one batch of leases that ran out, whoever had them. True when more may wait, or the seconds until one
        runs out.
        """
        due = leases.due(self._kit.clock.now())
        return await sweep(self._kit.db, Template, due, _BATCH, self._give_back)

    async def _give_back(self, tx: Transaction, offers: Sequence[Template]) -> None:
        await leases.end_expired(tx, [offer.id for offer in offers], self._kit.clock.now())

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """At the end of the block everything that we hold goes back; if that fails, when its time is over."""
        yield
        self._hints.clear()
        if not self._leased:
            return
        try:
            async with self._kit.db.write() as tx:
                await leases.end_all_of(tx, self.holder)
        except Exception as error:
            self._kit.log.warning("leases not given back", error=f"{type(error).__name__}: {error}"[:300])
