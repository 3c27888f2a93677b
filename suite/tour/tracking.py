"""The shopper's app: messages of Segment's tracking API, posted as its SDKs do."""

import base64
from datetime import UTC, datetime
from typing import Any, Protocol

from shared.ids import new_id
from suite.client import Client

Message = dict[str, Any]
"""`{"type":"identify","userId",…,"traits"}` or `{"type":"track","userId",…,"event","properties"}`."""


class Tracker(Protocol):
    """Sends messages and returns when the suite has taken them."""

    async def send(self, *messages: Message) -> None: ...


class HttpTracker:
    """Posts to `/v1/batch` with the write key in HTTP Basic, as the server SDKs do."""

    def __init__(self, client: Client, write_key: str) -> None:
        self._client = client
        self._headers = {"authorization": "Basic " + base64.b64encode(f"{write_key}:".encode()).decode()}

    async def send(self, *messages: Message) -> None:
        now = datetime.now(UTC).isoformat()
        batch = [{"timestamp": now, "messageId": new_id("tour"), **message} for message in messages]
        await self._client.post("/v1/batch", {"batch": batch, "sentAt": now}, self._headers)
