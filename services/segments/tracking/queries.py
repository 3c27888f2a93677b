"""Reading the dead letters 死信."""

from services.segments.tracking import repository
from services.segments.tracking.schemas import RejectView
from shared.service import Kit
from shared.web import Page, Paging


class DeadLetters:
    """Items of batches that could not be accepted."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    async def page(self, paging: Paging, code: str | None, message_id: str | None) -> Page[RejectView]:
        """Newest first; only those of a code or a message id, where one is given."""
        async with self._kit.db.read() as tx:
            return await repository.page(tx, paging, code, message_id)
