"""Completed orders 订单完成: what they were promised is given."""

from services.coupon.cash_back.payout import CashBackPayout
from services.coupon.checkout import repository
from services.coupon.checkout.models import Checkout
from services.coupon.checkout.problems import unknown_checkout
from services.coupon.checkout.schemas import CompletedView
from shared.db import Transaction
from shared.service import Kit
from shared.web import Caller, Conflict


class Completing:
    """The end of an order that nothing comes back from any more."""

    def __init__(self, kit: Kit, cash_back: CashBackPayout) -> None:
        self._kit = kit
        self._cash_back = cash_back

    async def complete(self, caller: Caller, checkout_id: str) -> CompletedView:
        """Delivered and past its return window: give what was promised. Again: the same answer, and what was still due.

        Raises Conflict unless the checkout is committed.
        """
        async with self._kit.db.write() as tx:
            checkout = await repository.lock_seen(tx, caller, checkout_id)
            if checkout is None:
                raise unknown_checkout()
            await self.complete_held(tx, checkout, caller.actor)
            views = await self._cash_back.views(tx, checkout_id)
        return CompletedView(checkout_id=checkout.id, order_id=checkout.order_id, cash_back=views)

    async def complete_held(self, tx: Transaction, checkout: Checkout, actor: str) -> bool:
        """The same for a checkout whose row this transaction holds. True when there was something to give."""
        if checkout.status != "committed":
            detail = "Only a committed checkout can be completed. Commit it first."
            raise Conflict("checkout_not_committed", detail, checkout_status=checkout.status)
        return await self._cash_back.give(tx, checkout.id, actor)
