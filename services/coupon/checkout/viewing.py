"""Use cases of looking at checkouts."""

from collections.abc import Sequence

from services.coupon.checkout import repository
from services.coupon.checkout.models import Checkout
from services.coupon.checkout.rules import effective
from services.coupon.checkout.schemas import CheckoutView, LockView, PromotionUseView
from shared.db import Transaction, as_dict
from shared.service import Kit
from shared.web import Caller, NotFound, Page, Paging


def unknown() -> NotFound:
    return NotFound("not_found", "There is no checkout with this id.")


class Checkouts:
    """What orders see of their checkouts."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    async def get(self, caller: Caller, checkout_id: str) -> CheckoutView:
        async with self._kit.db.read() as tx:
            row = await repository.find(tx, checkout_id)
            if row is None:
                raise unknown()
            caller.require_customer(row.customer_id)
            return await self.view(tx, row)

    async def page(
        self, caller: Caller, paging: Paging, customer_id: str | None, order_id: str | None, status: str | None
    ) -> Page[CheckoutView]:
        """Newest first."""
        if customer_id is not None:
            caller.require_customer(customer_id)
        owner = caller.customer_id or customer_id
        async with self._kit.db.read() as tx:
            rows = await repository.page(tx, paging, self._kit.clock.now(), owner, order_id, status)
            views = await self._views(tx, rows.data)
        return Page[CheckoutView](data=views, has_more=rows.has_more, next_cursor=rows.next_cursor)

    async def view(self, tx: Transaction, row: Checkout) -> CheckoutView:
        return (await self._views(tx, [row]))[0]

    async def _views(self, tx: Transaction, rows: Sequence[Checkout]) -> list[CheckoutView]:
        now = self._kit.clock.now()
        ids = [row.id for row in rows]
        locks = await repository.coupon_locks(tx, ids)
        promotions = await repository.promotions(tx, ids)
        return [
            CheckoutView(
                **{
                    **as_dict(row),
                    "status": effective(row.status, row.expires_at, now),
                    "locks": [LockView.model_validate(lock) for lock in locks[row.id]],
                    "promotions": [
                        PromotionUseView.model_validate(use) for use in promotions if use.checkout_id == row.id
                    ],
                }
            )
            for row in rows
        ]
