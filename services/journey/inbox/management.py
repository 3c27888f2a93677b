"""Use cases of the inbox: list, mark as read."""

from services.journey.inbox import repository
from services.journey.inbox.schemas import InboxMessageView
from shared.service import Kit
from shared.web import NotFound, Page, Paging


class Inbox:
    """A customer's messages. Whether the caller may see them was settled by the route."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    async def page(self, customer_id: str, paging: Paging, unread: bool | None) -> Page[InboxMessageView]:
        """A customer's messages, newest first."""
        async with self._kit.db.read() as tx:
            return await repository.page(tx, customer_id, unread, paging, InboxMessageView.model_validate)

    async def mark_read(self, customer_id: str, message_id: str) -> InboxMessageView:
        """The first reading stays. Raises NotFound."""
        async with self._kit.db.write() as tx:
            row = await repository.mark_read(tx, customer_id, message_id, self._kit.clock.now())
        if row is None:
            raise NotFound("not_found", "There is no such message in this customer's inbox.")
        return InboxMessageView.model_validate(row)
