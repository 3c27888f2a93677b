"""How coupons end without being used: an operator takes one back, or the clock does."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, select

from services.coupon.wallet import ledger
from services.coupon.wallet.ledger import Change
from services.coupon.wallet.models import Coupon
from services.coupon.wallet.reading import Wallet
from services.coupon.wallet.rules import effective
from services.coupon.wallet.schemas import CouponDetail
from shared.contracts import CouponExpired, CouponVoided
from shared.db import Transaction
from shared.service import Kit
from shared.web import Caller, Conflict, NotFound


class Ending:
    """Void 作废 and expiry 过期."""

    def __init__(self, kit: Kit, wallet: Wallet, batch_size: int) -> None:
        self._kit = kit
        self._wallet = wallet
        self._batch_size = batch_size

    async def void(self, caller: Caller, coupon_id: str, reason: str) -> CouponDetail:
        """Take a coupon back. Voiding again changes nothing. Raises Conflict while an order holds it or after its use."""
        now = self._kit.clock.now()
        async with self._kit.db.write() as tx:
            row = (await ledger.hold(tx, [coupon_id])).get(coupon_id)
            if row is None:
                raise NotFound("not_found", "There is no coupon with this id.")
            caller.require_customer(row.customer_id)
            if row.status == "voided":
                return await self._wallet.detail(tx, caller, coupon_id)
            status = effective(row.status, row.valid_until, row.locked_until, now)
            if status == "locked" or row.status == "locked":
                detail = "An order holds this coupon. Roll its checkout back first, or wait until the lock ends."
                raise Conflict("coupon_locked", detail, checkout_id=row.checkout_id)
            if status in ("redeemed", "expired"):
                raise Conflict(f"coupon_{status}", f"This coupon is {status}; there is nothing left to void.")
            await self.take_back(tx, [row], reason, caller.actor)
            return await self._wallet.detail(tx, caller, coupon_id)

    async def take_back(self, tx: Transaction, rows: Sequence[Row[Any]], reason: str, actor: str) -> dict[str, str]:
        """Void those of the held coupons that are free. Answers for each what it is now: `voided`, or what it stays."""
        now = self._kit.clock.now()
        states = {row.id: effective(row.status, row.valid_until, row.locked_until, now) for row in rows}
        free = [row for row in rows if row.status == "issued" and states[row.id] == "issued"]
        changes = [Change(row, "voided", "voided", reason, actor, budget_change=-row.reserved) for row in free]
        await ledger.apply(tx, changes, now)
        events = [
            CouponVoided(coupon_id=row.id, template_id=row.template_id, customer_id=row.customer_id, reason=reason)
            for row in free
        ]
        await self._kit.outbox.publish(tx, events)
        kept = {row.id: "locked" if row.status == "locked" else states[row.id] for row in rows}
        return {**kept, **dict.fromkeys((row.id for row in free), "voided")}

    async def expire_due(self) -> bool:
        """Write down one batch of expiries that the clock has decided already. True when more may wait."""
        now = self._kit.clock.now()
        due = (
            select(Coupon.table)
            .where(Coupon.c.status == "issued", Coupon.c.valid_until <= now)
            .order_by(Coupon.c.valid_until)
            .limit(self._batch_size)
        )
        async with self._kit.db.read() as tx:
            # A look first: on SQLite a write transaction every second would disturb those who have something to write.
            if (await tx.execute(due.limit(1))).first() is None:
                return False
        async with self._kit.db.write() as tx:
            rows = (await tx.execute(due.with_for_update(skip_locked=True))).all()
            changes = [
                Change(row, "expired", "expired", "its validity ended", "clock", budget_change=-row.reserved)
                for row in rows
            ]
            await ledger.apply(tx, changes, now)
            events = [
                CouponExpired(
                    coupon_id=row.id, template_id=row.template_id, customer_id=row.customer_id, reason="validity_ended"
                )
                for row in rows
            ]
            await self._kit.outbox.publish(tx, events)
        return len(rows) == self._batch_size
