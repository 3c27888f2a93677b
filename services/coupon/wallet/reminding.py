"""Reminders 到期提醒: the owner of an unused coupon is told once, some time before it ends."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, update

from services.coupon.statements import padded
from services.coupon.templates.repository import TEMPLATE
from services.coupon.wallet.models import Coupon
from services.coupon.wallet.rules import effective, worth_reminding
from shared.contracts import CouponExpiring
from shared.db import Transaction
from shared.service import Kit

_SHOWN = (Coupon.c.id, Coupon.c.template_id, Coupon.c.customer_id, Coupon.c.status)
_TIMES = (Coupon.c.valid_until, Coupon.c.locked_until, Coupon.c.remind_at)


class Reminding:
    """Publishes `coupon.expiring`. The due time goes out of the row in the transaction that tells, so it is told once."""

    def __init__(self, kit: Kit, batch_size: int) -> None:
        self._kit = kit
        self._batch_size = batch_size

    async def remind_due(self) -> bool:
        """Tell one batch of those that are due. True when more may wait."""
        now = self._kit.clock.now()
        due = Coupon.c.remind_at <= now
        async with self._kit.db.read() as tx:
            if (await tx.execute(select(Coupon.c.id).where(due).limit(1))).first() is None:
                return False
        first = select(*_SHOWN, *_TIMES).where(due).order_by(Coupon.c.remind_at).limit(self._batch_size)
        async with self._kit.db.write() as tx:
            rows = (await tx.execute(first.with_for_update(skip_locked=True))).all()
            held = [row for row in rows if effective(row.status, row.valid_until, row.locked_until, now) == "locked"]
            free = [row for row in rows if effective(row.status, row.valid_until, row.locked_until, now) == "issued"]
            told = [row for row in free if worth_reminding(row.remind_at, row.valid_until, now)]
            await self._put(tx, [row.id for row in rows], None)
            for row in held:  # an order may still give it back: asked again when its lock ends
                await self._put(tx, [row.id], row.locked_until)
            await self._tell(tx, told)
        return len(rows) == self._batch_size

    async def _put(self, tx: Transaction, coupon_ids: Sequence[str], at: datetime | None) -> None:
        if coupon_ids:
            chosen = Coupon.c.id.in_(padded(coupon_ids))
            await tx.execute(update(Coupon.table).where(chosen).values(remind_at=at))

    async def _tell(self, tx: Transaction, rows: Sequence[Row[Any]]) -> None:
        if not rows:
            return
        wanted = sorted({row.template_id for row in rows})
        named = await tx.execute(select(TEMPLATE.c.id, TEMPLATE.c.name).where(TEMPLATE.c.id.in_(padded(wanted))))
        names = {row.id: row.name for row in named}
        events = [
            CouponExpiring(
                coupon_id=row.id,
                template_id=row.template_id,
                customer_id=row.customer_id,
                template_name=names[row.template_id],
                valid_until=row.valid_until,
            )
            for row in rows
        ]
        await self._kit.outbox.publish(tx, events)
