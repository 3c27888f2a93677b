"""Use cases of the ledger of effects: look at messages."""

from services.journey.actions import repository
from services.journey.actions.schemas import MessageStatus, MessageView
from shared.service import Kit
from shared.web import Caller, NotFound, Page, Paging


class MessageLedger:
    """Reads only; the engine and the worker of webhooks write."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    async def page(
        self, paging: Paging, customer_id: str | None, journey_id: str | None, status: MessageStatus | None
    ) -> Page[MessageView]:
        """Messages, newest first."""
        to_view = MessageView.model_validate
        async with self._kit.db.read() as tx:
            return await repository.page_messages(tx, customer_id, journey_id, status, paging, to_view)

    async def read(self, caller: Caller, message_id: str) -> MessageView:
        """Raises NotFound, also for another owner's."""
        async with self._kit.db.read() as tx:
            row = await repository.find_message(tx, caller, message_id)
        if row is None:
            raise NotFound("not_found", f"There is no message {message_id[:64]!r}.")
        return MessageView.model_validate(row)
