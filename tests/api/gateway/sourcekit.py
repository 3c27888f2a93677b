"""Sources of webhooks, deliveries signed as their partners sign them, and what became of them."""

import hashlib
import hmac
from datetime import datetime
from typing import Any

from kit.gateway import Suite
from standardwebhooks import Webhook

HOUSE = ["github", "standard"]
"""The schemes that order systems of a merchant's own use: they are answered in our manner."""
OURS = {"event": "order.*"}
SHOP = {
    "type_at": "/topic",
    "types": {"orders/paid": "order.paid", "refunds/create": "order.refunded"},
    "fields": {"order_id": "/order/id", "refund_id": "/refund/id", "lines": "/refund/items", "quantity": "/qty"},
}
PAID = {"type": "order.paid", "data": {"order_id": "o1"}}


async def made(suite: Suite, maps_to: Any = OURS, **wanted: Any) -> dict[str, Any]:
    """A new source."""
    body = {"name": "订单系统", "scheme": "standard", "maps_to": maps_to, **wanted}
    answer = await suite.client().post("/v1/webhook-sources", json=body)
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    found: dict[str, Any] = answer.json()
    return found


def signed(source: dict[str, Any], body: bytes, delivery_id: str, at: datetime) -> dict[str, str]:
    """The headers that a partner sends, made by the sender's own library."""
    if source["scheme"] == "github":
        mac = hmac.new(source["secret"].encode(), body, hashlib.sha256).hexdigest()
        return {"x-github-delivery": delivery_id, "x-hub-signature-256": f"sha256={mac}"}
    signature = Webhook(source["secret"]).sign(delivery_id, at, body.decode())
    stamp = str(int(at.timestamp()))
    return {"webhook-id": delivery_id, "webhook-timestamp": stamp, "webhook-signature": signature}


async def told(suite: Suite, name: str) -> list[dict[str, Any]]:
    """The messages of that name, once everything is on the bus, without whose source told them."""
    await suite.running.drain()
    found = suite.running.recorder.named(name)
    return [{field: value for field, value in one.items() if field != "owner_id"} for one in found]


async def received(suite: Suite, source: dict[str, Any], **filters: Any) -> list[dict[str, Any]]:
    answer = await suite.client().get(f"/v1/webhook-sources/{source['id']}/received", params=filters)
    found: list[dict[str, Any]] = answer.json()["data"]
    return found
