"""What a customer would meet at an offer, before anything is asked for."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from services.coupon.refusals import refusal
from services.coupon.templates import lease_repository as leases
from services.coupon.templates import repository as templates
from services.coupon.templates.models import Template
from services.coupon.templates.supply import Supply
from services.coupon.wallet import repository
from services.coupon.wallet.admission import Admission, supply_left
from services.coupon.wallet.new_coupons import Lot
from services.coupon.wallet.rules import share_out
from services.coupon.wishes import Source, Wish
from shared.db import Transaction
from shared.service import Kit
from shared.web import Problem


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is left of an offer, how many of it the customer has, and the refusal, if it is one."""

    offer: Template
    lot: Lot
    supply: Supply
    held: int
    refused: Problem | None


class Outlooks:
    """Foresees what `Granting` would answer. Locks nothing, writes nothing, promises nothing."""

    def __init__(self, kit: Kit, admission: Admission) -> None:
        self._kit = kit
        self._admission = admission

    async def foresee(self, tx: Transaction, template_id: str, customer_id: str, source: Source) -> Lot | Problem:
        """What a wish would get now, or its refusal."""
        row = await templates.find(tx, template_id)
        if row is None or row.cash_back_of is not None:
            return refusal("not_found")
        seen = (await self.of(tx, [row], customer_id, source))[row.id]
        return seen.refused or seen.lot

    async def of(
        self, tx: Transaction, rows: Sequence[Template], customer_id: str, source: Source
    ) -> dict[str, Outlook]:
        """What the customer would meet at these offers now, by id."""
        now = self._kit.clock.now()
        lots = await self._admission.lots(tx, rows, now)
        wishes = {
            index: Wish(template_id=row.id, customer_id=customer_id, source=source, actor="", reason="looked at")
            for index, row in enumerate(rows)
        }
        closed = await self._admission.closed(tx, lots, wishes, now)
        held = await repository.numbers(tx, sorted(lots), [customer_id])
        counted = await templates.days(tx, [(key, lot.day) for key, lot in lots.items() if lot.day])
        leased = await leases.unused(tx, list(lots))
        found = {}
        for index, row in enumerate(rows):
            lot = lots[row.id]
            supply = supply_left(lot, counted)
            if row.id in leased:
                supply.give(leased[row.id].unused, lot.cost, today=True)
            refused = closed.get(index)
            if refused is None:
                number = share_out(replace(supply), [customer_id], held[row.id])[0]
                refused = None if isinstance(number, int) else self._admission.limited(lot, number)
            found[row.id] = Outlook(row, lot, supply, held[row.id].get(customer_id, 0), refused)
        return found
