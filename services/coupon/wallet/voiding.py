"""Void 作废: coupons are taken away, by an operator or because they were got by abuse."""

from collections.abc import Sequence

from services.coupon.wallet import ledger, repository
from services.coupon.wallet.ledger import Change
from services.coupon.wallet.models import Coupon
from services.coupon.wallet.queries import Wallet
from services.coupon.wallet.rules import effective
from services.coupon.wallet.schemas import CouponDetail
from shared.contracts import CouponVoided
from shared.db import Transaction
from shared.service import Kit
from shared.web import Caller, Conflict, NotFound


class Voiding:
    """Takes coupons away."""

    def __init__(self, kit: Kit, wallet: Wallet) -> None:
        self._kit = kit
        self._wallet = wallet

    async def void(self, caller: Caller, coupon_id: str, reason: str) -> CouponDetail:
        """Take a coupon away. Voiding again changes nothing. Raises Conflict while an order holds it or after its use."""
        now = self._kit.clock.now()
        async with self._kit.db.write() as tx:
            row = (await repository.lock(tx, [coupon_id])).get(coupon_id)
            if row is None or not caller.sees(row.owner_id):
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
            await self.void_free(tx, [row], reason, caller.actor)
            return await self._wallet.detail(tx, caller, coupon_id)

    async def void_free(self, tx: Transaction, rows: Sequence[Coupon], reason: str, actor: str) -> dict[str, str]:
        """Void those of the held coupons that are free. Answers for each what it is now: `voided`, or what it stays."""
        now = self._kit.clock.now()
        states = {row.id: effective(row.status, row.valid_until, row.locked_until, now) for row in rows}
        free = [row for row in rows if row.status == "issued" and states[row.id] == "issued"]
        changes = [Change(row, "voided", "voided", reason, actor, budget_change=-row.reserved) for row in free]
        await ledger.apply(tx, changes, now)
        events = [
            CouponVoided(
                owner_id=row.owner_id,
                coupon_id=row.id,
                template_id=row.template_id,
                customer_id=row.customer_id,
                reason=reason,
            )
            for row in free
        ]
        await self._kit.outbox.publish(tx, events)
        kept = {row.id: "locked" if row.status == "locked" else states[row.id] for row in rows}
        return {**kept, **dict.fromkeys((row.id for row in free), "voided")}
