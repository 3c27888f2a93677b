"""Reminders 到期提醒: the owner of an unused coupon is told once, some time before it ends."""

from collections.abc import Sequence

from services.coupon.templates import repository as templates
from services.coupon.wallet import repository
from services.coupon.wallet.repository import DueReminder
from services.coupon.wallet.rules import effective, worth_reminding
from shared.contracts import CouponExpiring
from shared.db import Transaction, sweep
from shared.service import Kit


class Reminding:
    """Publishes `coupon.expiring`. The due time goes out of the row in the transaction that tells, so it is told once."""

    def __init__(self, kit: Kit, batch_size: int) -> None:
        self._kit = kit
        self._batch_size = batch_size

    async def tick(self) -> bool | float:
        """Tell one batch of those that are due. True when more may wait, or the seconds until the next is due."""
        due = repository.due_reminders(self._kit.clock.now())
        return await sweep(self._kit.db, DueReminder, due, self._batch_size, self._remind)

    async def _remind(self, tx: Transaction, rows: Sequence[DueReminder]) -> None:
        now = self._kit.clock.now()
        states = {row.id: effective(row.status, row.valid_until, row.locked_until, now) for row in rows}
        await repository.set_reminders(tx, [row.id for row in rows], None)
        for row in rows:
            if states[row.id] == "locked":  # an order may still give it back: asked again when its lock ends
                await repository.set_reminders(tx, [row.id], row.locked_until)
        free = [row for row in rows if states[row.id] == "issued"]
        await self._publish(tx, [row for row in free if worth_reminding(row.remind_at, row.valid_until, now)])

    async def _publish(self, tx: Transaction, rows: Sequence[DueReminder]) -> None:
        names = await templates.names(tx, sorted({row.template_id for row in rows}))
        events = [
            CouponExpiring(
                owner_id=row.owner_id,
                coupon_id=row.id,
                template_id=row.template_id,
                customer_id=row.customer_id,
                template_name=names[row.template_id],
                valid_until=row.valid_until,
            )
            for row in rows
        ]
        await self._kit.outbox.publish(tx, events)
