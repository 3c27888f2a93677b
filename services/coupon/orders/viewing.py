"""Use cases of looking at the order system's messages."""

from sqlalchemy import select

from services.coupon.orders.models import OrderMessage
from services.coupon.orders.schemas import OrderMessageView
from shared.db import table
from shared.service import Kit
from shared.web import NotFound, Page, Paging, fetch_page

MESSAGE = table(OrderMessage)


class OrderMessageLog:
    """What became of the messages about orders."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    async def get(self, message_id: str) -> OrderMessageView:
        async with self._kit.db.read() as tx:
            row = (await tx.execute(select(MESSAGE).where(MESSAGE.c.id == message_id))).one_or_none()
        if row is None:
            raise NotFound("not_found", "There is no order message with this id.")
        return OrderMessageView.model_validate(row)

    async def page(
        self, paging: Paging, order_id: str | None, name: str | None, outcome: str | None
    ) -> Page[OrderMessageView]:
        """Newest first."""
        chosen = select(MESSAGE)
        for column, value in ((MESSAGE.c.order_id, order_id), (MESSAGE.c.name, name), (MESSAGE.c.outcome, outcome)):
            if value is not None:
                chosen = chosen.where(column == value)
        async with self._kit.db.read() as tx:
            return await fetch_page(tx, chosen, MESSAGE.c.id, paging, OrderMessageView.model_validate)
