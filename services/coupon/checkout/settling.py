"""How a checkout ends: paid 核销, or given up 回退. Both may be called again and again, and together."""

from datetime import datetime, timedelta

from services.coupon.checkout import queries, repository
from services.coupon.checkout.late_payment import LatePayment
from services.coupon.checkout.models import Checkout, CheckoutCoupon
from services.coupon.checkout.problems import unknown_checkout
from services.coupon.checkout.promotion_usage import PromotionUsage
from services.coupon.checkout.releasing import Releasing
from services.coupon.checkout.rules import effective as effective_checkout
from services.coupon.checkout.rules import settled
from services.coupon.checkout.schemas import CheckoutView
from services.coupon.wallet import ledger
from services.coupon.wallet import repository as wallet
from services.coupon.wallet.ledger import Change
from shared.contracts import CouponRedeemed
from shared.db import Transaction
from shared.service import Kit
from shared.web import Caller, Conflict, Gone


class Settling:
    """Commit and roll back."""

    def __init__(self, kit: Kit, usage: PromotionUsage, late_payment: LatePayment, releasing: Releasing) -> None:
        self._kit = kit
        self._usage = usage
        self._late_payment = late_payment
        self._releasing = releasing

    async def commit(self, caller: Caller, checkout_id: str) -> CheckoutView:
        """The order was paid: its coupons are used.

        After the lock ran out everything is locked once more if it is all still free; else Conflict says what is not.
        """
        async with self._kit.db.write() as tx:
            await self.commit_held(tx, await self._held(tx, caller, checkout_id), caller.actor)
            return await self._again(tx, checkout_id)

    async def commit_held(self, tx: Transaction, checkout: Checkout, actor: str) -> None:
        """The same for a checkout whose row this transaction holds."""
        if checkout.status == "rolled_back":
            raise Conflict("checkout_rolled_back", "This checkout was rolled back. Make a new one for the order.")
        if checkout.status != "committed":
            await self._redeem(tx, checkout, actor)

    async def roll_back(self, caller: Caller, checkout_id: str) -> CheckoutView:
        """The order was given up: its coupons are free again. Raises Conflict once it was paid."""
        async with self._kit.db.write() as tx:
            await self.roll_back_held(tx, await self._held(tx, caller, checkout_id), caller.actor)
            return await self._again(tx, checkout_id)

    async def roll_back_held(self, tx: Transaction, checkout: Checkout, actor: str) -> None:
        """The same for a checkout whose row this transaction holds."""
        if checkout.status == "committed":
            raise Conflict("checkout_committed", "This checkout is committed: its coupons are used. Refund it instead.")
        if checkout.status != "rolled_back":
            await self._releasing.release(tx, [checkout], "rolled_back", "rolled_back", actor)

    async def extend(self, caller: Caller, checkout_id: str, ttl_seconds: int) -> CheckoutView:
        """The order needs more time: its lock lasts `ttl_seconds` from now on, but never shorter than before.

        Raises Gone once the lock ran out, Conflict once the checkout ended.
        """
        now = self._kit.clock.now()
        async with self._kit.db.write() as tx:
            checkout = await self._held(tx, caller, checkout_id)
            if checkout.status in ("committed", "rolled_back"):
                detail = "Only a live lock can be extended; this checkout ended."
                raise Conflict(f"checkout_{checkout.status}", detail)
            if effective_checkout(checkout.status, checkout.expires_at, now) == "expired":
                raise Gone("checkout_expired", "The lock ran out. Lock again: send the order's checkout once more.")
            until = max(checkout.expires_at, now + timedelta(seconds=ttl_seconds))
            if until > checkout.expires_at:
                await self._lock_until(tx, checkout, until, caller.actor)
            return await self._again(tx, checkout_id)

    async def _held(self, tx: Transaction, caller: Caller, checkout_id: str) -> Checkout:
        row = await repository.lock_seen(tx, caller, checkout_id)
        if row is None:
            raise unknown_checkout()
        caller.require_customer(row.customer_id)
        return row

    async def _again(self, tx: Transaction, checkout_id: str) -> CheckoutView:
        row = await repository.find(tx, checkout_id)
        assert row is not None  # noqa: S101 - this transaction holds it
        return await queries.view(tx, row, self._kit.clock.now())

    async def _lock_until(self, tx: Transaction, checkout: Checkout, until: datetime, actor: str) -> None:
        now = self._kit.clock.now()
        locks = (await repository.coupon_locks(tx, [checkout.id]))[checkout.id]
        held = await wallet.lock(tx, [lock.coupon_id for lock in locks])
        changes = [
            Change(
                before=held[lock.coupon_id],
                event="extended",
                to_status="locked",
                reason=f"order {checkout.order_id}",
                actor=actor,
                checkout_id=checkout.id,
                amount=lock.amount,
                locked_until=until,
            )
            for lock in locks
        ]
        await ledger.apply(tx, changes, now)
        await repository.update_end(tx, checkout.id, until, now)

    async def _redeem(self, tx: Transaction, checkout: Checkout, actor: str) -> None:
        now = self._kit.clock.now()
        locks = (await repository.coupon_locks(tx, [checkout.id]))[checkout.id]
        held = await wallet.lock(tx, [lock.coupon_id for lock in locks])
        if checkout.status == "expired":
            await self._late_payment.lock_again(tx, checkout, locks, held, actor)
            held = await wallet.lock(tx, [lock.coupon_id for lock in locks])
        changes = [
            Change(
                before=held[lock.coupon_id],
                event="redeemed",
                to_status="redeemed",
                reason=f"order {checkout.order_id}",
                actor=actor,
                checkout_id=checkout.id,
                amount=lock.amount,
                budget_change=settled(held[lock.coupon_id].reserved, lock.amount + lock.cash_back),
            )
            for lock in locks
        ]
        await ledger.apply(tx, changes, now)
        await self._usage.keep(tx, checkout.id, f"order {checkout.order_id}", actor)
        await repository.update_locks(tx, locks, "redeemed", {key: row.lock_token for key, row in held.items()})
        await repository.update_status(tx, [checkout.id], "committed", now)
        await self._kit.outbox.publish(tx, [_redeemed(lock, checkout) for lock in locks])


def _redeemed(lock: CheckoutCoupon, checkout: Checkout) -> CouponRedeemed:
    return CouponRedeemed(
        owner_id=checkout.owner_id,
        coupon_id=lock.coupon_id,
        template_id=lock.template_id,
        customer_id=checkout.customer_id,
        checkout_id=checkout.id,
        order_id=checkout.order_id,
        amount=lock.amount,
        currency=checkout.currency,
    )
