"""Giving coupons back: an order is given up, or its lock ran out."""

from collections.abc import Sequence

from services.coupon.cash_back import repository as cash_back
from services.coupon.cash_back.reduction import CashBackReduction
from services.coupon.checkout import repository
from services.coupon.checkout.models import Checkout, CheckoutCoupon
from services.coupon.checkout.promotion_usage import PromotionUsage
from services.coupon.templates import repository as templates
from services.coupon.wallet import ledger
from services.coupon.wallet import repository as wallet
from services.coupon.wallet.ledger import Change
from services.coupon.wallet.models import Coupon
from shared.contracts import CouponReturned
from shared.db import Transaction, sweep
from shared.service import Kit


class Releasing:
    """Ends live locks."""

    def __init__(self, kit: Kit, usage: PromotionUsage, cash_back: CashBackReduction, batch_size: int) -> None:
        self._kit = kit
        self._usage = usage
        self._cash_back = cash_back
        self._batch_size = batch_size

    async def holding(self, tx: Transaction, checkouts: Sequence[Checkout]) -> tuple[list[str], list[str]]:
        """Ids of the coupons and of the offers that `release` of these checkouts will hold."""
        ids = [row.id for row in checkouts]
        if not ids:
            return [], []
        locks = await self._live(tx, ids)
        promotions = [row.promotion_id for row in await repository.promotions(tx, ids, "live")]
        return [lock.coupon_id for lock in locks], [*promotions, *(lock.template_id for lock in locks)]

    async def release(
        self, tx: Transaction, checkouts: Sequence[Checkout], status: str, reason: str, actor: str
    ) -> None:
        """End these checkouts, whose rows are held, with that status.

        Their coupons go back to their wallets, and what they took of promotions and budgets is free again.
        """
        now = self._kit.clock.now()
        by_id = {row.id: row for row in checkouts}
        live = await self._live(tx, list(by_id))
        held = await wallet.lock(tx, [lock.coupon_id for lock in live])
        # The fencing token: a coupon that was locked again since then is no longer ours to give back.
        mine = [lock for lock in live if _holds(lock, held[lock.coupon_id])]
        changes = [
            Change(
                before=held[lock.coupon_id],
                event="returned",
                to_status="issued",
                reason=f"{reason}: order {by_id[lock.checkout_id].order_id}",
                actor=actor,
                checkout_id=lock.checkout_id,
                amount=lock.amount,
                budget_change=-lock.budget_taken,
            )
            for lock in mine
        ]
        promotions = await repository.promotions(tx, list(by_id), "live")
        spent = {lock.template_id for lock in mine if lock.budget_taken}
        await templates.lock_limited(tx, [*spent, *{row.promotion_id for row in promotions}])
        await ledger.apply(tx, changes, now)
        await self._cash_back.collect(tx, [held[lock.coupon_id] for lock in mine], actor)
        reasons = {key: f"{reason}: order {row.order_id}" for key, row in by_id.items()}
        await self._usage.give_back(tx, promotions, "released", reasons, actor)
        await cash_back.withdraw(tx, list(by_id), now)
        await repository.update_locks(tx, live, "released")
        await repository.update_status(tx, list(by_id), status, now)
        await self._kit.outbox.publish(tx, [_returned(lock, by_id[lock.checkout_id], reason) for lock in mine])

    async def _live(self, tx: Transaction, checkout_ids: Sequence[str]) -> list[CheckoutCoupon]:
        """The live locks of these checkouts."""
        locks = (await repository.coupon_locks(tx, checkout_ids)).values()
        return [lock for found in locks for lock in found if lock.state == "live"]

    async def end_if_due(self, tx: Transaction, checkout_id: str) -> None:
        """Write down that the checkout's lock ran out, if it did; held from here on."""
        checkout = await repository.lock_if_due(tx, self._kit.clock.now(), checkout_id)
        if checkout is not None:
            await self._expire(tx, [checkout])

    async def sweep(self) -> bool | float:
        """Write down one batch of lock expiries that the clock has decided already. True: more may wait; a number: the
        seconds until the next lock runs out.
        """
        due = repository.due(self._kit.clock.now())
        return await sweep(self._kit.db, Checkout, due, self._batch_size, self._expire)

    async def _expire(self, tx: Transaction, checkouts: Sequence[Checkout]) -> None:
        await self.release(tx, checkouts, "expired", "lock_expired", "clock")


def _holds(lock: CheckoutCoupon, coupon: Coupon) -> bool:
    return coupon.status == "locked" and coupon.lock_token == lock.token and coupon.checkout_id == lock.checkout_id


def _returned(lock: CheckoutCoupon, checkout: Checkout, reason: str) -> CouponReturned:
    return CouponReturned(
        owner_id=checkout.owner_id,
        coupon_id=lock.coupon_id,
        template_id=lock.template_id,
        customer_id=checkout.customer_id,
        checkout_id=checkout.id,
        order_id=checkout.order_id,
        reason=reason,
    )
