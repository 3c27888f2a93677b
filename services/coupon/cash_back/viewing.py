"""Use cases of looking at cash-back."""

from sqlalchemy import select

from services.coupon.cash_back import repository
from services.coupon.cash_back.models import CashBack
from services.coupon.cash_back.schemas import CashBackView
from shared.service import Kit
from shared.web import Caller, NotFound, Page, Paging, fetch_page


class CashBacks:
    """What shops and customers see of cash-back."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    async def get(self, caller: Caller, cash_back_id: str) -> CashBackView:
        """One promise. Raises NotFound, also for somebody else's."""
        async with self._kit.db.read() as tx:
            row = await repository.find(tx, cash_back_id)
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
        chosen = select(CashBack.table)
        owner = caller.customer_id or customer_id
        for column, value in (
            (CashBack.c.customer_id, owner),
            (CashBack.c.order_id, order_id),
            (CashBack.c.status, status),
        ):
            if value is not None:
                chosen = chosen.where(column == value)
        async with self._kit.db.read() as tx:
            return await fetch_page(tx, chosen, CashBack.c.id, paging, CashBackView.model_validate)
