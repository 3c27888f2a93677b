"""Tokens on show: how long they work, for whom, and what guessing them costs."""

import base64
import json

import pytest
from api.coupon.mall import Mall
from api.coupon.tillkit import Till, code_of, part_of, show
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.coupon.redemption.rules import read_short_code
from shared.clock import ManualClock


async def test_a_short_code_can_be_read_aloud(mall: Mall) -> None:
    coupon_id = await mall.claim(await mall.template())
    code = (await show(mall, coupon_id))["short_code"]
    assert read_short_code(code) == code
    till = Till(mall)
    slip = code[:-1] + str((int(code[-1]) + 1) % 10)
    assert code_of(await till.redeem(short_code=slip)) == (409, "short_code_mistyped")
    spoken = await till.redeem(short_code=f"{code[:3]} {code[3:6]}-{code[6:]}")
    assert spoken.status_code == 201, spoken.text


@pytest.mark.parametrize("seconds", [51, 3600])
async def test_a_token_works_for_less_than_a_minute(mall: Mall, clock: ManualClock, seconds: int) -> None:
    shown = await show(mall, await mall.claim(await mall.template()))
    till = Till(mall)
    clock.advance(seconds=seconds)
    assert code_of(await till.redeem(token=shown["token"])) == (410, "token_expired")
    assert code_of(await till.redeem(short_code=shown["short_code"])) == (410, "token_expired")
    clock.advance(seconds=3600)
    await mall.running.tick()
    assert code_of(await till.redeem(short_code=shown["short_code"])) == (404, "token_unknown")


async def test_clocks_may_differ_a_little(mall: Mall, clock: ManualClock) -> None:
    coupon_id = await mall.claim(await mall.template())
    clock.advance(seconds=100)
    shown = await show(mall, coupon_id)
    till = Till(mall)
    clock.advance(seconds=-60)
    assert code_of(await till.redeem(token=shown["token"])) == (410, "token_expired")
    clock.advance(seconds=56)
    assert (await till.redeem(token=shown["token"])).status_code == 201


async def test_forged_tokens_are_unknown_and_paid_for(mall: Mall) -> None:
    coupon_id = await mall.claim(await mall.template())
    shown = await show(mall, coupon_id)
    head, body, _ = shown["token"].split(".")
    own = Ed25519PrivateKey.generate().sign(f"{head}.{body}".encode())
    none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"quanyu-redemption+jwt","kid":"x"}').rstrip(b"=").decode()
    dearer = json.dumps({**json.loads(part_of(shown["token"], 1)), "max": 10**9}).encode()
    forged = [
        f"{head}.{body}.{base64.urlsafe_b64encode(own).rstrip(b'=').decode()}",
        f"{none}.{body}.",
        f"{head}.{base64.urlsafe_b64encode(dearer).rstrip(b'=').decode()}.{shown['token'].split('.')[2]}",
        shown["token"] + "=",
        shown["token"][:-1],
        "é.ü.ß",
        "token",
    ]
    till = Till(mall)
    for token in forged:
        assert code_of(await till.redeem(token=token)) == (404, "token_unknown"), token
    wrong = await till.redeem(coupon_id=coupon_id, customer_id="c2")
    assert code_of(wrong) == (404, "token_unknown")
    for _ in range(22):
        await till.redeem(short_code="000000000")
    right = await till.redeem(token=shown["token"])
    assert code_of(right) == (429, "too_many_attempts"), "thirty guesses are enough, for right and wrong tokens alike"
    assert int(right.headers["retry-after"]) > 0


async def test_a_guess_under_an_idempotency_key_is_counted_though_all_of_it_is_rolled_back(mall: Mall) -> None:
    """Reference 8: failures are what is counted, and a success does not refill the budget."""
    coupons = [await mall.claim(await mall.template()) for _ in range(2)]
    tokens = [(await show(mall, one))["token"] for one in coupons]
    till = Till(mall)
    for number in range(31):
        if number == 15:
            assert (await till.redeem("r1", token=tokens[0])).status_code == 201
        headers = {"idempotency-key": f"k{number}"}
        body = {"order_ref": "r2", "short_code": "000000000"}
        answer = await till.http.post("/v1/redemptions", json=body, headers=headers)
        expected = (404, "token_unknown") if number < 30 else (429, "too_many_attempts")
        assert code_of(answer) == expected, number
    answer = await till.http.post(
        "/v1/redemptions", json={"order_ref": "r2", "token": tokens[1]}, headers={"idempotency-key": "right"}
    )
    assert code_of(answer) == (429, "too_many_attempts")


async def test_one_customers_token_is_nobody_elses(mall: Mall) -> None:
    coupon_id = await mall.claim(await mall.template())
    other = mall.running.client(customer_id="c2")
    assert (await other.post("/v1/redemption-tokens", json={"coupon_id": coupon_id})).status_code == 404
    own = mall.running.client(customer_id="c1")
    shown = (await own.post("/v1/redemption-tokens", json={"coupon_id": coupon_id})).json()
    assert (await other.get(shown["qr_svg_url"])).status_code == 404
    assert (await other.get("/v1/redemption-tokens")).json()["data"] == []
    shopper_as_staff = mall.running.client(customer_id="c1", shop_id="shopA")
    answer = await shopper_as_staff.post("/v1/redemptions", json={"order_ref": "r", "token": shown["token"]})
    assert code_of(answer) == (403, "staff_key_needed")
