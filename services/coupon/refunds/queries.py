"""What shops and customers see of refunds."""

from collections.abc import Sequence

from services.coupon.checkout import repository as checkouts
from services.coupon.checkout.problems import unknown_checkout
from services.coupon.refunds import repository
from services.coupon.refunds.models import Refund
from services.coupon.refunds.schemas import RefundView
from services.coupon.refunds.views import refund_view
from shared.db import Transaction
from shared.service import Kit
from shared.web import Caller, NotFound, Page, Paging


class Refunds:
    """Refunds as they were made."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    async def read(self, caller: Caller, refund_id: str) -> RefundView:
        """One refund. Raises NotFound, also for somebody else's."""
        async with self._kit.db.read() as tx:
            row = await repository.find_seen(tx, caller, refund_id)
            if row is None:
                raise NotFound("not_found", "There is no refund with this id.")
            caller.require_customer(row.customer_id)
            return (await self._views(tx, [row]))[0]

    async def page(self, caller: Caller, paging: Paging, checkout_id: str) -> Page[RefundView]:
        """The refunds of a checkout, newest first."""
        async with self._kit.db.read() as tx:
            checkout = await checkouts.find_seen(tx, caller, checkout_id)
            if checkout is None:
                raise unknown_checkout()
            caller.require_customer(checkout.customer_id)
            rows = await repository.page(tx, paging, checkout_id)
            views = await self._views(tx, rows.data)
        return Page[RefundView](data=views, has_more=rows.has_more, next_cursor=rows.next_cursor)

    async def found(self, tx: Transaction, refund_id: str) -> RefundView:
        """A refund that is known to be there."""
        row = await repository.find(tx, refund_id)
        assert row is not None  # noqa: S101 - this transaction made or found it
        return (await self._views(tx, [row]))[0]

    async def _views(self, tx: Transaction, rows: Sequence[Refund]) -> list[RefundView]:
        lines, shares = await repository.parts(tx, [row.id for row in rows])
        return [
            refund_view(
                row,
                [line for line in lines if line.refund_id == row.id],
                [share for share in shares if share.refund_id == row.id],
            )
            for row in rows
        ]
