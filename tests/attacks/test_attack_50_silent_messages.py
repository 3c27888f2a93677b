"""Attack 50, for the webhook messages of journeys: a template whose endpoint says nothing delays no other's messages."""

import asyncio
from typing import Any

from api.gateway.receiverkit import receiving
from api.journey.conftest import start_shop
from kit.journeys import JourneyShop
from kit.upstream import RawServer

from services.journey.actions.worker import BATCH
from shared.contracts import EventsTracked

__all__ = ["start_shop"]


async def sends(shop: JourneyShop, url: str, event: str) -> None:
    body = {"name": event, "channel": "webhook", "body": "x", "url": url}
    template = (await shop.api.post("/v1/message-templates", json=body)).json()["id"]
    nodes = {"m": {"kind": "send", "channel": "webhook", "template_id": template}}
    entry = {"kind": "event", "event": event}
    await shop.publish_journey({"name": event, "entry": entry, "nodes": nodes, "edges": [["entry", "m"]]})


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def test_a_template_whose_endpoint_is_silent_delays_no_others_messages(start_shop: Any) -> None:
    """Three batches of its messages were due before; each held the worker until its deadline."""
    shop: JourneyShop = await start_shop(webhooks_allow_private=True, webhook_timeout_seconds=30)
    server = RawServer(silent)
    async with receiving() as healthy, server.running():
        await sends(shop, server.url, "Dead")
        await sends(shop, healthy.server.url, "Alive")
        dead = tuple(shop.event("Dead", f"c{number}") for number in range(3 * BATCH))
        await shop.publish(EventsTracked(events=dead))
        for _ in range(2000):
            if server.open:
                break
            await asyncio.sleep(0.01)
        await shop.track("Alive")
        async with asyncio.timeout(15):
            await healthy.first.wait()
        assert BATCH <= server.connections < 2 * BATCH
