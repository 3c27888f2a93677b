"""Use cases of looking at cash-back."""

from services.coupon.cash_back import repository
from services.coupon.cash_back.schemas import CashBackView
from shared.service import Kit
from shared.web import Caller, NotFound, Page, Paging


class CashBacks:
    """What shops and customers see of cash-back."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    async def read(self, caller: Caller, cash_back_id: str) -> CashBackView:
        """One promise. Raises NotFound, also for somebody else's."""
        async with self._kit.db.read() as tx:
            row = await repository.find(tx, caller, cash_back_id)
        if row is None:
            raise NotFound("not_found", "There is no cash-back with this id.")
        caller.require_customer(row.customer_id)
        return CashBackView.model_validate(row)

    async def page(
        self, caller: Caller, paging: Paging, customer_id: str | None, order_id: str | None, status: str | None
    ) -> Page[CashBackView]:
        """Newest first."""
        if customer_id is not None:
            caller.require_customer(customer_id)
        async with self._kit.db.read() as tx:
            return await repository.page(tx, paging, caller.customer_id or customer_id, order_id, status)
