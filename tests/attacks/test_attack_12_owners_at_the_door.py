"""Attack 12 at the public door, in one process and with each part behind a server of its own: keys of two partners."""

from kit.gateway import Suite

from shared.ids import new_id

SCOPES = ["coupon:*:*", "inventory:*:*", "gateway:keys:write"]
OFFER = {"name": "券", "benefit": {"kind": "amount_off", "amount": 100}}


async def test_attack_12_partner_b_downloads_no_codes_of_partner_a(door: Suite) -> None:
    a, b = [door.client(await door.key(kind="partner", scopes=SCOPES)) for _ in range(2)]
    merchant = door.client()
    template_id = (await merchant.post("/v1/coupon-templates", json=OFFER)).json()["id"]
    batch = (await a.post(f"/v1/coupon-templates/{template_id}/codes", json={"count": 3})).json()
    order = {"order_id": "o1", "customer_id": "c1", "lines": [{"line_id": "1", "quantity": 1, "unit_price": 900}]}
    checkout = (await a.post("/v1/checkouts", json=order)).json()
    child = {"name": "x", "kind": "restricted", "scopes": ["coupon:*:*"]}
    of_b = door.client((await b.post("/v1/keys", json=child)).json()["key"])
    for path in ("code-batches/{}", "code-batches/{}/codes", "code-batches/{}/download"):
        for stranger in (b, of_b):
            answers = [await stranger.get("/v1/" + path.format(one)) for one in (batch["id"], new_id("cbt"))]
            told = [{**one.json(), "request_id": None} for one in answers]
            assert told[0] == told[1], path
            assert told[0]["status"] == 404
        assert (await merchant.get("/v1/" + path.format(batch["id"]))).status_code in (200, 409)
    for call in ("commit", "rollback"):
        assert (await of_b.post(f"/v1/checkouts/{checkout['id']}/{call}")).status_code == 404
    assert (await a.get(f"/v1/checkouts/{checkout['id']}")).json()["status"] == "locked"
    assert (await b.get("/v1/code-batches")).json()["data"] == []
    assert (await b.get("/v1/audit/coupons")).json()["code"] == "operators_only"
