"""Attack 41, by cost: one call that is dear. A preview of fifty drafts on the largest cart is answered while others are."""

import asyncio
import time

import pytest
from kit.gateway import Suite

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)  # arithmetic, no rows

LINES = [{"line_id": str(at), "product_id": f"p{at}", "quantity": 9999, "unit_price": 100 + at} for at in range(200)]
HALF = {"kind": "buy_get", "buy": {"quantity": 2}, "get": {"quantity": 1, "percent_bp": 5000}, "max_times": 1000}
DRAFTS = [{"ref": f"d{at}", "name": "x", "benefit": HALF, "validity": {"days_after_claim": 7}} for at in range(50)]
SECONDS = 15
"""It took minutes."""


async def test_attack_41_fifty_drafts_on_two_hundred_lines(door: Suite) -> None:
    client = door.client()
    body = {"customer_id": "c1", "currency": "CNY", "lines": LINES, "drafts": DRAFTS, "live": False}
    began = time.monotonic()
    preview = asyncio.create_task(client.post("/v1/quotes/preview", json=body))
    others = 0
    while not preview.done() and time.monotonic() - began < SECONDS:
        assert (await client.get("/v1/coupon-templates")).status_code == 200
        others += 1
        await asyncio.sleep(0.01)
    assert preview.done()
    assert preview.result().status_code == 200, preview.result().text
    assert others > 1
