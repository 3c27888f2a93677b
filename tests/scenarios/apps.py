"""The outside world of the story: a shopper's app with Segment's own SDK, and a partner with Standard Webhooks' own library."""

import asyncio
from typing import Any

import segment.analytics.client
from standardwebhooks import Webhook

from suite.client import Client
from suite.tour.receiver import Receiver


class SegmentApp:
    """segment-analytics-python, unmodified; only told where to post."""

    def __init__(self, client: Client, write_key: str) -> None:
        self.errors: list[Exception] = []
        self._sdk = segment.analytics.client.Client(
            write_key, host=client.url, on_error=self._failed, gzip=True, upload_interval=0.05
        )

    async def send(self, *messages: dict[str, Any]) -> None:
        for message in messages:
            if message["type"] == "identify":
                self._sdk.identify(message["userId"], message["traits"])
            else:
                self._sdk.track(message["userId"], message["event"], message["properties"])
        await asyncio.to_thread(self._sdk.flush)
        assert self.errors == []

    async def close(self) -> None:
        await asyncio.to_thread(self._sdk.shutdown)

    def _failed(self, error: Exception, _batch: object) -> None:
        self.errors.append(error)


def verify_all(receiver: Receiver) -> None:
    """Every delivery's signature, by the reference library."""
    webhook = Webhook(receiver.secret)
    for delivery in receiver.deliveries:
        webhook.verify(delivery.body.decode(), delivery.headers)
