"""The whole way of an order system's webhook: through the door, over the bus, into the coupon service's checkouts and refunds."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from conftest import RunService
from kit.gateway import ADMIN_KEY
from kit.services import RunningService

from gateway.app import create_gateway
from gateway.forwarding.embedded import AsgiForwarder
from gateway.settings import GatewaySettings
from services.coupon.app import create_service
from services.coupon.settings import CouponSettings
from shared.clock import ManualClock
from shared.webhooks import signed_headers

SHOP = {
    "type_at": "/topic",
    "types": {"orders/paid": "order.paid", "orders/cancelled": "order.cancelled", "refunds/create": "order.refunded"},
    "fields": {
        "order_id": "/order/name",
        "refund_id": "/refund/id",
        "lines": "/refund/items",
        "line_id": "/sku",
        "quantity": "/qty",
    },
}


@dataclass
class Partner:
    """The merchant's client of the door, and the order system that posts to it."""

    gateway: RunningService
    coupon: RunningService
    http: httpx.AsyncClient
    clock: ManualClock
    source: dict[str, Any]

    async def posts(self, delivery_id: str, **document: Any) -> str:
        """Deliver a webhook, and let everything that it causes happen."""
        body = json.dumps(document, ensure_ascii=False).encode()
        headers = signed_headers([self.source["secret"]], delivery_id, self.clock.now(), body)
        answer = await self.http.post(self.source["url"], content=body, headers=headers)
        assert answer.status_code == 202, answer.text
        await self.gateway.drain()
        await self.coupon.drain()
        return str(answer.json()["status"])

    async def call(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        answer = await self.http.request(method, path, json=body)
        assert answer.status_code < 300, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def order(self, order_id: str) -> tuple[str, str]:
        """An order of three mugs with a coupon of 30 yuan, not yet paid; answers coupon and checkout."""
        offer = {"name": "减30", "benefit": {"kind": "amount_off", "amount": 3000}}
        template = (await self.call("POST", "/v1/coupon-templates", offer))["id"]
        coupon = await self.call("POST", f"/v1/coupon-templates/{template}/claims", {"customer_id": "c1"})
        line = {"line_id": "mug", "quantity": 3, "unit_price": 10_000}
        cart = {"customer_id": "c1", "lines": [line], "coupons": [coupon["id"]], "order_id": order_id}
        return coupon["id"], (await self.call("POST", "/v1/checkouts", cart))["id"]

    async def status(self, coupon_id: str) -> str:
        return str((await self.call("GET", f"/v1/coupons/{coupon_id}"))["status"])


@pytest.fixture
async def partner(run_service: RunService, clock: ManualClock) -> AsyncIterator[Partner]:
    coupon = await run_service(create_service, CouponSettings)

    def create(settings: GatewaySettings, bus: Any, own_clock: Any) -> Any:
        return create_gateway(settings, bus, own_clock, {"coupon": AsgiForwarder(coupon.service.app)})

    gateway = await run_service(create, GatewaySettings, admin_key=ADMIN_KEY)
    transport = httpx.ASGITransport(gateway.service.app, raise_app_exceptions=False, client=("198.51.100.7", 40000))
    headers = {"authorization": f"Bearer {ADMIN_KEY}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=headers) as http:
        wanted = {"name": "order system", "scheme": "standard", "maps_to": SHOP}
        source = (await http.post("/v1/webhook-sources", json=wanted)).json()
        yield Partner(gateway, coupon, http, clock, source)


async def test_a_paid_order_uses_its_coupon_and_a_refund_gives_its_share_back(partner: Partner) -> None:
    coupon_id, checkout_id = await partner.order("SO-1001")
    assert await partner.status(coupon_id) == "locked"
    assert await partner.posts("m1", topic="orders/paid", order={"name": "SO-1001"}) == "accepted"
    assert await partner.status(coupon_id) == "redeemed"
    assert await partner.posts("m1", topic="orders/paid", order={"name": "SO-1001"}) == "duplicate"
    refund = {"id": 77, "items": [{"sku": "mug", "qty": 2}]}
    for delivery in ("m2", "m3"):  # the partner tells the same refund twice, as two deliveries
        await partner.posts(delivery, topic="refunds/create", order={"name": "SO-1001"}, refund=refund)
    refunds = (await partner.call("GET", f"/v1/checkouts/{checkout_id}/refunds"))["data"]
    assert [one["amount"] for one in refunds] == [18_000]
    (first,) = (
        await partner.call("GET", f"/v1/webhook-sources/{partner.source['id']}/received?order_id=SO-1001&limit=1")
    )["data"]
    told = (await partner.call("GET", "/v1/order-messages?order_id=SO-1001"))["data"]
    assert first["message_id"] in {one["message_id"] for one in told}, "the delivery can be followed to its effect"
    assert (await partner.call("GET", "/v1/audit/coupons"))["ok"]


async def test_a_cancelled_order_frees_its_coupon(partner: Partner) -> None:
    coupon_id, checkout_id = await partner.order("SO-1002")
    await partner.posts("m1", topic="orders/cancelled", order={"name": "SO-1002"})
    assert await partner.status(coupon_id) == "issued"
    assert (await partner.call("GET", f"/v1/checkouts/{checkout_id}"))["status"] == "rolled_back"


async def test_a_delivery_that_matches_no_order_can_be_found(partner: Partner) -> None:
    assert await partner.posts("m1", topic="orders/paid", order={"name": "SO-unknown"}) == "accepted"
    (came,) = (await partner.call("GET", f"/v1/webhook-sources/{partner.source['id']}/received?order_id=SO-unknown"))[
        "data"
    ]
    (found,) = (await partner.call("GET", "/v1/order-messages?outcome=unmatched"))["data"]
    assert (found["message_id"], found["order_id"]) == (came["message_id"], "SO-unknown")
    assert (found["code"], found["checkout_id"]) == ("no_checkout", None)
    assert "has the order id SO-unknown" in found["detail"]
