"""Use cases of looking at the order system's messages."""

from services.coupon.orders import repository
from services.coupon.orders.schemas import OrderMessageView
from shared.service import Kit
from shared.web import NotFound, Page, Paging


class OrderMessageLog:
    """What became of the messages about orders."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    async def read(self, message_id: str) -> OrderMessageView:
        """One message. Raises NotFound."""
        async with self._kit.db.read() as tx:
            row = await repository.find(tx, message_id)
        if row is None:
            raise NotFound("not_found", "There is no order message with this id.")
        return OrderMessageView.model_validate(row)

    async def page(
        self, paging: Paging, order_id: str | None, name: str | None, outcome: str | None
    ) -> Page[OrderMessageView]:
        """Newest first."""
        async with self._kit.db.read() as tx:
            return await repository.page(tx, paging, order_id, name, outcome)
