"""The slice from offer to paid order, as a merchant and a shopper walk it."""

from typing import Any

from api.coupon.mall import Mall


async def test_from_the_offer_to_the_paid_order(mall: Mall) -> None:
    template_id = await mall.template(
        5000,
        threshold={"amount": 30000},
        validity={"from": "2026-11-01T00:00:00+08:00", "until": "2026-11-12T00:00:00+08:00"},
        limits={"total": 1000, "per_customer": 1, "per_day": None, "budget": None},
        stacking={"layer": "shop", "group": None, "exclusive": False, "priority": 0},
        scope={"channels": ["app"], "segments": [], "tiers": [], "first_order_only": False},
    )
    claim = (await mall.try_claim(template_id)).json()
    assert (claim["status"], claim["valid_until"]) == ("issued", "2026-11-11T16:00:00Z")
    assert claim["server_time"] == "2026-11-11T02:00:00Z"
    wallet = (await mall.http.get("/v1/coupons?customer_id=c1&status=issued")).json()
    assert wallet["data"] == [claim]  # the prebuilt answer of the hot path is the document of the stored row

    cart: dict[str, Any] = mall.cart(20_000, 2, channel="app", currency="CNY", shipping_fee=1000, codes=[], points=0)
    quote = await mall.quote({**cart, "coupons": "best"})
    assert (quote["subtotal"], quote["discount"], quote["total"], quote["search"]) == (40000, 5000, 36000, "exact")
    assert quote["lines"] == [
        {
            "line_id": "1",
            "kind": "item",
            "quantity": 2,
            "subtotal": 40000,
            "discount": 5000,
            "points_discount": 0,
            "total": 35000,
            "discounts": [{"source": claim["id"], "amount": 5000}],
        }
    ]
    used = {"coupon_id": claim["id"], "template_id": template_id, "name": "券", "layer": "shop", "amount": 5000}
    assert quote["applied"] == [{**used, "valid_until": claim["valid_until"]}]

    checkout = await mall.checkout("o1", cart, ttl_seconds=900)
    assert (checkout["status"], checkout["expires_at"]) == ("locked", "2026-11-11T02:15:00Z")
    assert checkout["quote"] == quote
    assert await mall.audit() == {}
    paid = await mall.end(checkout["id"], "commit")
    assert (paid.status_code, paid.json()["status"]) == (200, "committed")
    used = await mall.coupon(claim["id"])
    assert used["status"] == "redeemed"
    assert [entry["event"] for entry in used["ledger"]] == ["issued", "locked", "redeemed"]
    assert await mall.audit() == {}
    await mall.running.drain()
    names = [envelope.name for envelope in mall.running.recorder.envelopes]
    assert names == ["coupon_template.changed", "coupon.issued", "coupon.locked", "coupon.redeemed"]
    (redeemed,) = await mall.told("coupon.redeemed")
    assert (redeemed["order_id"], redeemed["amount"], redeemed["currency"]) == ("o1", 5000, "CNY")


async def test_a_cancelled_order_gives_its_coupon_back(mall: Mall) -> None:
    coupon_id = await mall.claim(await mall.template())
    checkout = await mall.checkout("o1")
    assert (await mall.coupon(coupon_id))["status"] == "locked"
    for _ in range(2):
        answer = await mall.end(checkout["id"], "rollback")
        assert (answer.status_code, answer.json()["status"]) == (200, "rolled_back")
    found = await mall.coupon(coupon_id)
    assert (found["status"], found["checkout_id"]) == ("issued", None)
    assert [entry["event"] for entry in found["ledger"]] == ["issued", "locked", "returned"]
    (returned,) = await mall.told("coupon.returned")
    assert (returned["checkout_id"], returned["reason"]) == (checkout["id"], "rolled_back")
    assert (await mall.checkout("o2"))["quote"]["discount"] == 1000
    assert await mall.audit() == {}
