"""A coupon service with the few things that its tests do again and again."""

import asyncio
from datetime import datetime
from typing import Any

import httpx
from kit.services import RunningService
from pydantic import TypeAdapter

from shared.contracts import Event, SegmentEntered, SegmentExited
from shared.ids import new_id
from shared.messaging import Pack

Json = dict[str, Any]


class Mall:
    """Speaks to the service as merchant and shopper."""

    def __init__(self, running: RunningService) -> None:
        self.running = running
        self.http = running.client()

    async def template(self, amount: int = 1000, **more: Any) -> str:
        """A new offer, by default so much off any order without a threshold; answers its id."""
        body: Json = {"name": "券", "benefit": {"kind": "amount_off", "amount": amount}, **more}
        answer = await self.http.post("/v1/coupon-templates", json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def promotion(self, amount: int = 1000, **more: Any) -> str:
        """A new automatic promotion, by default so much off any order; answers its id."""
        body: Json = {"name": "满减", "benefit": {"kind": "amount_off", "amount": amount}, **more}
        answer = await self.http.post("/v1/promotions", json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def try_claim(self, template_id: str, customer_id: str = "c1") -> httpx.Response:
        return await self.http.post(f"/v1/coupon-templates/{template_id}/claims", json={"customer_id": customer_id})

    async def claim(self, template_id: str, customer_id: str = "c1") -> str:
        answer = await self.try_claim(template_id, customer_id)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def coupon(self, coupon_id: str) -> Json:
        answer = await self.http.get(f"/v1/coupons/{coupon_id}")
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        return found

    async def seen(self, template_id: str) -> Json:
        found: Json = (await self.http.get(f"/v1/coupon-templates/{template_id}")).json()
        return found

    def cart(self, price: int = 10_000, quantity: int = 1, **more: Any) -> Json:
        """A cart of one line for customer c1."""
        line = {"line_id": "1", "sku": "s1", "quantity": quantity, "unit_price": price}
        return {"customer_id": "c1", "lines": [line], **more}

    async def quote(self, cart: Json) -> Json:
        answer = await self.http.post("/v1/quotes", json=cart)
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        return found

    async def try_checkout(self, order_id: str, cart: Json | None = None, **more: Any) -> httpx.Response:
        return await self.http.post("/v1/checkouts", json={**(cart or self.cart()), "order_id": order_id, **more})

    async def checkout(self, order_id: str, cart: Json | None = None, **more: Any) -> Json:
        answer = await self.try_checkout(order_id, cart, **more)
        assert answer.status_code == 201, answer.text
        found: Json = answer.json()
        return found

    async def end(self, checkout_id: str, how: str) -> httpx.Response:
        """`how`: commit or rollback."""
        return await self.http.post(f"/v1/checkouts/{checkout_id}/{how}")

    async def extend(self, checkout_id: str, ttl_seconds: int) -> httpx.Response:
        return await self.http.post(f"/v1/checkouts/{checkout_id}/extend", json={"ttl_seconds": ttl_seconds})

    async def complete(self, checkout_id: str) -> httpx.Response:
        return await self.http.post(f"/v1/checkouts/{checkout_id}/complete")

    async def try_refund(self, checkout_id: str, **body: Any) -> httpx.Response:
        return await self.http.post(f"/v1/checkouts/{checkout_id}/refunds", json=body)

    async def refund(self, checkout_id: str, **body: Any) -> Json:
        """Without a body: all that is left."""
        answer = await self.try_refund(checkout_id, **body)
        assert answer.status_code == 201, answer.text
        found: Json = answer.json()
        return found

    async def audit(self) -> dict[str, str]:
        """The checks that fail, by name; empty when the books agree."""
        answer = (await self.http.get("/v1/audit/coupons")).json()
        failed = {check["name"]: check["detail"] for check in answer["checks"] if not check["ok"]}
        assert answer["ok"] == (not failed)
        return failed

    async def send(self, *events: Event, message_id: str | None = None) -> None:
        """Deliver messages as another part would publish them, and wait until they are handled."""
        packs = []
        for event in events:
            one = message_id or new_id("evt")
            envelope = {
                "id": one,
                "name": event.name,
                "version": 1,
                "occurred_at": "2026-11-11T02:00:00Z",
                "payload": event.model_dump(mode="json"),
            }
            packs.append(Pack(f"{one}-{new_id('p')}", event.name, TypeAdapter(Any).dump_json([envelope])))
        await self.running.bus.publish(packs)
        await self.running.drain()

    async def finished(self, job_id: str) -> Json:
        """The issue job once it is done. The service's own loop works on it as well, so one tick may find it taken."""
        for _ in range(200):
            await self.running.tick()
            job: Json = (await self.http.get(f"/v1/coupon-jobs/{job_id}")).json()
            if job["status"] == "done":
                return job
            await asyncio.sleep(0.01)
        raise AssertionError("the job does not end")

    async def told(self, name: str) -> list[Json]:
        """Payloads of the messages of that name so far."""
        await self.running.drain()
        return self.running.recorder.named(name)


def membership(
    kind: type[SegmentEntered] | type[SegmentExited], customer: str, at: str
) -> SegmentEntered | SegmentExited:
    """What the segments service tells when a customer enters or leaves the segment `seg_1`."""
    return kind(
        segment_id="seg_1",
        segment_name="s",
        segment_version=1,
        profile_id="prf_1",
        customer_id=customer,
        at=datetime.fromisoformat(at),
        cause="event",
    )
