"""What the gateway tells of webhooks themselves."""

from typing import Literal

from shared.contracts.base import Event, Instant, contract


@contract("webhook_endpoint.disabled", owner="gateway", public=True)
class WebhookEndpointDisabled(Event):
    """An endpoint gets nothing any more: it answered 410, or nothing but failures for days 推送端点停用.

    Told to the other endpoints of its owner, and to nobody else. What it misses is held for a replay, once it is enabled again.
    """

    endpoint_id: str
    owner_id: str
    reason: Literal["gone", "failing"]
    failing_since: Instant | None = None
