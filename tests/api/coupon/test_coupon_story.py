"""The slice from offer to paid order, as a merchant and a shopper walk it."""

from typing import Any

from conftest import RunService
from kit.services import RunningService

from services.coupon.app import create_service
from services.coupon.settings import CouponSettings


async def audit_is_clean(coupon: RunningService) -> None:
    answer = (await coupon.client().get("/v1/audit/coupons")).json()
    assert answer["ok"], [check for check in answer["checks"] if not check["ok"]]


async def test_from_the_offer_to_the_paid_order(run_service: RunService) -> None:
    coupon = await run_service(create_service, CouponSettings)
    client = coupon.client()
    offer = await client.post(
        "/v1/coupon-templates",
        json={
            "name": "满300减50",
            "currency": "CNY",
            "benefit": {"kind": "amount_off", "amount": 5000},
            "threshold": {"amount": 30000},
            "validity": {"from": "2026-11-01T00:00:00+08:00", "until": "2026-11-12T00:00:00+08:00"},
            "limits": {"total": 1000, "per_customer": 1, "per_day": None, "budget": None},
            "stacking": {"layer": "shop", "group": None, "exclusive": False, "priority": 0},
        },
    )
    assert offer.status_code == 201, offer.text
    template_id = offer.json()["id"]
    claim = await client.post(f"/v1/coupon-templates/{template_id}/claims", json={"customer_id": "c1"})
    assert claim.status_code == 201, claim.text
    coupon_id = claim.json()["id"]
    wallet = (await client.get("/v1/coupons?customer_id=c1&status=issued")).json()
    assert wallet["data"] == [claim.json()]

    cart: dict[str, Any] = {
        "customer_id": "c1",
        "channel": "app",
        "currency": "CNY",
        "shipping_fee": 1000,
        "lines": [{"line_id": "1", "product_id": "p1", "sku": "s1", "quantity": 2, "unit_price": 20000}],
        "coupons": "best",
        "codes": [],
        "points": 0,
    }
    quote = await client.post("/v1/quotes", json=cart)
    assert quote.status_code == 200, quote.text
    assert (quote.json()["subtotal"], quote.json()["discount"], quote.json()["total"]) == (40000, 5000, 36000)
    assert quote.json()["lines"][0]["discounts"] == [{"source": coupon_id, "amount": 5000}]
    assert quote.json()["applied"] == [{"coupon_id": coupon_id, "template_id": template_id, "amount": 5000}]

    checkout = await client.post("/v1/checkouts", json={**cart, "order_id": "o1", "ttl_seconds": 900})
    assert checkout.status_code == 201, checkout.text
    assert checkout.json()["status"] == "locked"
    assert checkout.json()["quote"] == quote.json()
    await audit_is_clean(coupon)
    paid = await client.post(f"/v1/checkouts/{checkout.json()['id']}/commit")
    assert (paid.status_code, paid.json()["status"]) == (200, "committed")
    used = (await client.get(f"/v1/coupons/{coupon_id}")).json()
    assert used["status"] == "redeemed"
    assert [entry["event"] for entry in used["ledger"]] == ["issued", "locked", "redeemed"]
    await audit_is_clean(coupon)
    await coupon.drain()
    names = [envelope.name for envelope in coupon.recorder.envelopes]
    assert names == ["coupon_template.changed", "coupon.issued", "coupon.locked", "coupon.redeemed"]
