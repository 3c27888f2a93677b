"""Use cases of looking at the order system's messages."""

from sqlalchemy import select

from services.coupon.orders.models import OrderMessage
from services.coupon.orders.schemas import OrderMessageView
from shared.service import Kit
from shared.web import NotFound, Page, Paging, fetch_page


class OrderMessageLog:
    """What became of the messages about orders."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    async def get(self, message_id: str) -> OrderMessageView:
        async with self._kit.db.read() as tx:
            row = (await tx.execute(select(OrderMessage.table).where(OrderMessage.c.id == message_id))).one_or_none()
        if row is None:
            raise NotFound("not_found", "There is no order message with this id.")
        return OrderMessageView.model_validate(row)

    async def page(
        self, paging: Paging, order_id: str | None, name: str | None, outcome: str | None
    ) -> Page[OrderMessageView]:
        """Newest first."""
        chosen = select(OrderMessage.table)
        for column, value in (
            (OrderMessage.c.order_id, order_id),
            (OrderMessage.c.name, name),
            (OrderMessage.c.outcome, outcome),
        ):
            if value is not None:
                chosen = chosen.where(column == value)
        async with self._kit.db.read() as tx:
            return await fetch_page(tx, chosen, OrderMessage.c.id, paging, OrderMessageView.model_validate)
