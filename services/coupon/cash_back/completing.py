"""Completed orders 订单完成: what they were promised is given, as coupons, once."""

from typing import Any

from sqlalchemy import Row

from services.coupon.cash_back import repository
from services.coupon.cash_back.companions import companion
from services.coupon.cash_back.schemas import CashBackView, CompletedView
from services.coupon.checkout import repository as checkouts
from services.coupon.checkout.viewing import unknown
from services.coupon.templates.repository import TermsBook
from services.coupon.wallet.granting import Granting
from services.coupon.wishes import Granted, Wish
from shared.db import Transaction
from shared.service import Kit
from shared.web import Caller, Conflict


class Completing:
    """Gives the cash-back of completed orders."""

    def __init__(self, kit: Kit, book: TermsBook, granting: Granting) -> None:
        self._kit = kit
        self._book = book
        self._granting = granting

    async def complete(self, caller: Caller, checkout_id: str) -> CompletedView:
        """Delivered and past its return window: give what was promised. Again: the same answer, and what was still due.

        Raises Conflict unless the checkout is committed.
        """
        async with self._kit.db.write() as tx:
            checkout = await checkouts.hold(tx, checkout_id)
            if checkout is None:
                raise unknown()
            await self.complete_held(tx, checkout, caller.actor)
            rows = await repository.of_checkout(tx, checkout_id)
        views = [CashBackView.model_validate(row) for row in rows]
        return CompletedView(checkout_id=checkout.id, order_id=checkout.order_id, cash_back=views)

    async def complete_held(self, tx: Transaction, checkout: Row[Any], actor: str) -> bool:
        """The same for a checkout whose row this transaction holds. True when there was something to give."""
        if checkout.status != "committed":
            detail = "Only a committed checkout can be completed. Commit it first."
            raise Conflict("checkout_not_committed", detail, checkout_status=checkout.status)
        open_ = [row for row in await repository.of_checkout(tx, checkout.id) if row.status in ("promised", "due")]
        for row in sorted(open_, key=lambda one: str(one.template_id)):
            await self._issue(tx, row, actor)
        return bool(open_)

    async def _issue(self, tx: Transaction, row: Row[Any], actor: str) -> None:
        """One coupon for one promise. Where its template gives nothing now (it was paused), the promise stays due."""
        now = self._kit.clock.now()
        template_id = await companion(tx, self._book, row, now)
        reason = f"cash-back of order {row.order_id}"
        wish = Wish(template_id, row.customer_id, "cash_back", actor, reason, reference=row.id, face_amount=row.amount)
        answer = (await self._granting.grant(tx, [wish]))[0]
        if isinstance(answer, Granted):
            change = repository.changed(row, now, status="issued", coupon_id=answer.coupon_id, note=None)
        else:
            change = repository.changed(row, now, status="due", note=answer.code)
        await repository.change(tx, [change])
