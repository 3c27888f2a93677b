"""HTTP shapes of the messages in the ledger."""

from typing import Literal

from shared.web import Instant, View

MessageStatus = Literal["planned", "claimed", "sent", "failed", "unknown", "suppressed"]


class MessageView(View):
    """One message: sent, or why not."""

    id: str
    customer_id: str
    journey_id: str
    run_id: str
    node_id: str
    channel: str
    template_id: str
    status: MessageStatus
    reason: str | None
    attempts: int
    created_at: Instant
    updated_at: Instant
