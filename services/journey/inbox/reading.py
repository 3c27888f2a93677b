"""Use cases of the inbox: list, mark as read."""

from sqlalchemy import select, update

from services.journey.inbox.delivering import INBOX
from services.journey.inbox.schemas import InboxMessageView
from shared.service import Kit
from shared.web import NotFound, Page, Paging, fetch_page


class Inbox:
    """A customer's messages. Whether the caller may see them was settled by the route."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    async def page(self, customer_id: str, paging: Paging, unread: bool | None) -> Page[InboxMessageView]:
        statement = select(INBOX).where(INBOX.c.customer_id == customer_id)
        if unread is not None:
            statement = statement.where(INBOX.c.read_at.is_(None) if unread else INBOX.c.read_at.is_not(None))
        async with self._kit.db.read() as tx:
            return await fetch_page(tx, statement, INBOX.c.id, paging, InboxMessageView.model_validate)

    async def mark_read(self, customer_id: str, message_id: str) -> InboxMessageView:
        """The first reading stays. Raises NotFound."""
        mine = (INBOX.c.id == message_id) & (INBOX.c.customer_id == customer_id)
        async with self._kit.db.write() as tx:
            unread = mine & INBOX.c.read_at.is_(None)
            await tx.execute(update(INBOX).where(unread).values(read_at=self._kit.clock.now()))
            row = (await tx.execute(select(INBOX).where(mine))).one_or_none()
        if row is None:
            raise NotFound("message_not_found", "There is no such message in this customer's inbox.")
        return InboxMessageView.model_validate(row)
