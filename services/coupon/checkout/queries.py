"""What orders see of their checkouts."""

from collections.abc import Sequence
from datetime import datetime

from services.coupon.checkout import repository
from services.coupon.checkout.models import Checkout
from services.coupon.checkout.problems import unknown_checkout
from services.coupon.checkout.rules import effective
from services.coupon.checkout.schemas import CheckoutView, LockView, PromotionUseView
from shared.db import Transaction, as_dict
from shared.service import Kit
from shared.web import Caller, Page, Paging


class Checkouts:
    """Checkouts as they are by the clock."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    async def read(self, caller: Caller, checkout_id: str) -> CheckoutView:
        """One checkout. Raises NotFound, also for somebody else's."""
        async with self._kit.db.read() as tx:
            row = await repository.find_seen(tx, caller, checkout_id)
            if row is None:
                raise unknown_checkout()
            caller.require_customer(row.customer_id)
            return await view(tx, row, self._kit.clock.now())

    async def page(
        self, caller: Caller, paging: Paging, customer_id: str | None, order_id: str | None, status: str | None
    ) -> Page[CheckoutView]:
        """Newest first."""
        if customer_id is not None:
            caller.require_customer(customer_id)
        now, owner = self._kit.clock.now(), caller.customer_id or customer_id
        async with self._kit.db.read() as tx:
            rows = await repository.page(tx, paging, now, owner, order_id, status)
            views = await _views(tx, rows.data, now)
        return Page[CheckoutView](data=views, has_more=rows.has_more, next_cursor=rows.next_cursor)


async def view(tx: Transaction, row: Checkout, now: datetime) -> CheckoutView:
    """The checkout with what it holds."""
    return (await _views(tx, [row], now))[0]


async def _views(tx: Transaction, rows: Sequence[Checkout], now: datetime) -> list[CheckoutView]:
    ids = [row.id for row in rows]
    locks = await repository.coupon_locks(tx, ids)
    promotions = await repository.promotions(tx, ids)
    return [
        CheckoutView(
            **{
                **as_dict(row),
                "status": effective(row.status, row.expires_at, now),
                "locks": [LockView.model_validate(lock) for lock in locks[row.id]],
                "promotions": [PromotionUseView.model_validate(use) for use in promotions if use.checkout_id == row.id],
            }
        )
        for row in rows
    ]
