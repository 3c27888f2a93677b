"""Attack 41, by cost: one call that is dear. It is answered while others are, or refused before it is dear."""

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


async def test_attack_41_a_rule_of_sixty_thousand_values_is_refused(door: Suite) -> None:
    """Storing it held everybody up for two seconds, and every start that reads it again."""
    lists = [{"trait": f"t{at}", "op": "in", "value": [f"v{one}" for one in range(1000)]} for at in range(60)]
    for path, body in (("/v1/segments", {"name": "x"}), ("/v1/segments/preview", {})):
        for most, status in ((60, 422), (10, 200)):
            answer = await door.client().post(path, json={**body, "rule": {"any": lists[:most]}})
            assert answer.status_code in (status, status + 1), answer.text[:300]
            assert status == 200 or {one["code"] for one in answer.json()["errors"]} == {"rule_too_large"}
