"""A shop with a till, over real HTTP and through the gateway, with each part as a process of its own."""

import pytest
from scenarios.conftest import StartSuite

from suite.client import Problem

pytestmark = pytest.mark.slow


async def test_a_staff_key_redeems_and_guesses_are_counted_by_device(start_suite: StartSuite) -> None:
    async with start_suite("each_alone") as suite, suite.client() as merchant:
        offer = {"name": "门店券", "benefit": {"kind": "amount_off", "amount": 500}, "limits": {"per_customer": 1}}
        template = await merchant.post("/v1/coupon-templates", offer)
        claims = f"/v1/coupon-templates/{template['id']}/claims"
        phone = {"x-device-id": "phone-1", "x-client-address": "203.0.113.5"}
        coupon = await merchant.call("POST", claims, {"customer_id": "store-1"}, phone)
        shown = await merchant.post("/v1/redemption-tokens", {"coupon_id": coupon["id"]})
        staff = {"name": "收银台", "kind": "restricted", "scopes": ["coupon:redemptions:*"], "shop_id": "南京路店"}
        key = (await merchant.post("/v1/keys", staff))["key"]
        till = {"authorization": f"Bearer {key}"}
        body = {"token": shown["token"], "order_ref": "r1"}
        with pytest.raises(Problem) as refused:
            await merchant.post("/v1/redemptions", body)
        assert refused.value.code == "staff_key_needed"
        done = await merchant.call("POST", "/v1/redemptions", body, till)
        assert (done["shop_id"], done["amount"], done["status"]) == ("南京路店", 500, "redeemed")
        denial = {"subject": "device", "value": "phone-1", "reason": "黄牛"}
        await merchant.post("/v1/abuse/denials", denial)
        with pytest.raises(Problem) as denied:
            await merchant.call("POST", claims, {"customer_id": "store-2"}, phone)
        assert denied.value.code == "not_eligible"
        assert (await merchant.call("POST", claims, {"customer_id": "store-2"}, {"x-device-id": "other"}))["id"]
        assert (await merchant.get("/v1/audit/coupons"))["ok"]
