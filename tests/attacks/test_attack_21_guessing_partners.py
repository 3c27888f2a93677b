"""Attack 21 in the services: a partner who names other shoppers, addresses and keys for each guess still runs out of guesses,
and nobody else does."""

import pytest
from api.coupon.mall import Mall
from conftest import RunService
from kit.services import SignedBy

from services.coupon.app import create_service
from services.coupon.settings import CouponSettings
from shared.web import MERCHANT, Caller


@pytest.fixture
async def mall(run_service: RunService) -> Mall:
    return Mall(await run_service(create_service, CouponSettings, guess_budget_server=20, guess_budget_address=5))


async def test_attack_21_guesses_of_a_partner_count_together_whomever_they_name(mall: Mall) -> None:
    partner, other = [mall.running.client(owner_id=one, kind="partner") for one in ("own_a", "own_b")]
    merchant = mall.running.client(owner_id=MERCHANT)
    codes = []
    for number in range(22):
        body = {"code": f"GUESS{number}X", "customer_id": f"c{number}"}
        answer = await partner.post("/v1/codes/redeem", json=body, headers={"x-client-address": f"203.0.113.{number}"})
        codes.append(answer.json()["code"])
    assert codes == ["coupon_invalid"] * 20 + ["too_many_attempts"] * 2
    for one in (other, merchant):
        answer = await one.post("/v1/codes/redeem", json={"code": "GUESSX", "customer_id": "c1"})
        assert answer.json()["code"] == "coupon_invalid"


async def test_attack_21_a_partners_shoppers_are_not_locked_out_by_their_servers_address(mall: Mall) -> None:
    partner = mall.running.client(owner_id="own_a", kind="partner")
    partner.headers["x-forwarded-for"] = "198.51.100.7"
    template_id = await mall.template()
    await mall.http.post("/v1/public-codes", json={"code": "DOUBLE11", "template_id": template_id})
    for number in range(8):
        await partner.post("/v1/codes/redeem", json={"code": "WRONGCODE", "customer_id": f"c{number}"})
    right = await partner.post("/v1/codes/redeem", json={"code": "DOUBLE11", "customer_id": "c9"})
    assert right.status_code == 201, right.text


async def test_attack_21_more_staff_keys_are_no_more_guesses_at_short_codes(mall: Mall) -> None:
    codes = []
    for number in range(22):
        till = mall.running.stranger()
        caller = Caller(f"key_{number}", "own_a", "restricted", ("coupon:redemptions:*",), None, "shopA")
        till.auth = SignedBy(caller, mall.running._clock)
        answer = await till.post("/v1/redemptions", json={"token": "nothing", "order_ref": "r", "amount": 1})
        codes.append(answer.json()["code"])
    assert codes == ["token_unknown"] * 20 + ["too_many_attempts"] * 2
