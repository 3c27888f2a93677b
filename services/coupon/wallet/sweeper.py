"""Expiry 过期: the clock decides on every read; the sweeper writes it down and tells it."""

from collections.abc import Sequence

from services.coupon.wallet import ledger, repository
from services.coupon.wallet.ledger import Change
from services.coupon.wallet.models import Coupon
from shared.contracts import CouponExpired
from shared.db import Transaction, sweep
from shared.service import Kit


class CouponSweeper:
    """Ends coupons whose validity is over."""

    def __init__(self, kit: Kit, batch_size: int) -> None:
        self._kit = kit
        self._batch_size = batch_size

    async def sweep(self) -> bool | float:
        """Write down one batch of expiries. True: more may wait; a number: the seconds until the next."""
        due = repository.due(self._kit.clock.now())
        return await sweep(self._kit.db, Coupon, due, self._batch_size, self._expire)

    async def _expire(self, tx: Transaction, rows: Sequence[Coupon]) -> None:
        changes = [
            Change(row, "expired", "expired", "its validity ended", "clock", budget_change=-row.reserved)
            for row in rows
        ]
        await ledger.apply(tx, changes, self._kit.clock.now())
        events = [
            CouponExpired(
                owner_id=row.owner_id,
                coupon_id=row.id,
                template_id=row.template_id,
                customer_id=row.customer_id,
                reason="validity_ended",
            )
            for row in rows
        ]
        await self._kit.outbox.publish(tx, events)
