"""Use cases of the send ledger: look at messages."""

from sqlalchemy import select

from services.journey.actions.repository import EFFECT
from services.journey.actions.schemas import MessageStatus, MessageView
from shared.service import Kit
from shared.web import NotFound, Page, Paging, fetch_page


class SendLedger:
    """Reads only; the engine and the webhook worker write."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    async def page(
        self, paging: Paging, customer_id: str | None, journey_id: str | None, status: MessageStatus | None
    ) -> Page[MessageView]:
        statement = select(EFFECT).where(EFFECT.c.kind == "message")
        wanted = ((EFFECT.c.customer_id, customer_id), (EFFECT.c.journey_id, journey_id), (EFFECT.c.status, status))
        for column, value in wanted:
            if value is not None:
                statement = statement.where(column == value)
        async with self._kit.db.read() as tx:
            return await fetch_page(tx, statement, EFFECT.c.id, paging, MessageView.model_validate)

    async def get(self, message_id: str) -> MessageView:
        """Raises NotFound."""
        chosen = (EFFECT.c.id == message_id) & (EFFECT.c.kind == "message")
        async with self._kit.db.read() as tx:
            row = (await tx.execute(select(EFFECT).where(chosen))).one_or_none()
        if row is None:
            raise NotFound("message_not_found", f"There is no message {message_id[:64]!r}.")
        return MessageView.model_validate(row)
