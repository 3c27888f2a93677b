"""Store redemption: tokens on show, tills on line and off it, with the clock in the test's hand."""

import asyncio
import base64
import json
from collections import Counter
from typing import Any

import httpx
import pytest
from api.coupon.mall import Json, Mall
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from services.coupon.redemption.rules import read_short_code
from shared.clock import ManualClock

STAFF = ("coupon:redemptions:*",)


class Till:
    """A till of one shop, with its staff key."""

    def __init__(self, mall: Mall, shop_id: str | None = "shopA", kind: Any = "restricted") -> None:
        self.http = mall.running.client(STAFF, shop_id=shop_id, kind=kind)

    async def redeem(self, order_ref: str = "r1", **body: Any) -> httpx.Response:
        return await self.http.post("/v1/redemptions", json={"order_ref": order_ref, **body})

    async def settle(self, *items: Json) -> list[Json]:
        answer = await self.http.post("/v1/redemptions/settlements", json={"redemptions": items})
        assert answer.status_code == 200, answer.text
        found: list[Json] = answer.json()["results"]
        return found


async def show(mall: Mall, coupon_id: str) -> Json:
    answer = await mall.http.post("/v1/redemption-tokens", json={"coupon_id": coupon_id})
    assert answer.status_code == 201, answer.text
    found: Json = answer.json()
    return found


def code_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def part_of(token: str, number: int) -> bytes:
    part = token.split(".")[number]
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def verified_offline(token: str, keys: Json, now: int) -> Json:
    """What an offline till does, with a public key and nothing of ours. Raises InvalidSignature or ValueError."""
    header = json.loads(part_of(token, 0))
    (key,) = [key for key in keys["keys"] if key["kid"] == header["kid"]]
    assert (key["kty"], key["crv"], header["alg"]) == ("OKP", "Ed25519", "EdDSA")
    public = Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(key["x"] + "="))
    public.verify(part_of(token, 2), token.rpartition(".")[0].encode())
    claims: Json = json.loads(part_of(token, 1))
    if not claims["iat"] - 5 <= now <= claims["exp"] + 5:
        raise ValueError("not its time")
    return claims


async def test_a_coupon_is_shown_scanned_and_used_once(mall: Mall, clock: ManualClock) -> None:
    coupon_id = await mall.claim(await mall.template(1000, limits={"budget": 5000}))
    shown = await show(mall, coupon_id)
    assert (await mall.http.get(f"/v1/redemption-tokens/{shown['id']}")).json() == shown
    assert (await mall.http.get("/v1/redemption-tokens")).json()["data"] == [shown]
    picture = await mall.http.get(shown["qr_svg_url"])
    assert picture.headers["content-type"] == "image/svg+xml"
    assert b"<svg" in picture.content
    till = Till(mall)
    done = await till.redeem(token=shown["token"])
    assert done.status_code == 201, done.text
    view = done.json()
    assert (view["shop_id"], view["amount"], view["status"], view["offline"]) == ("shopA", 1000, "redeemed", False)
    clock.advance(seconds=3600)
    again = await till.redeem(token=shown["token"])
    assert (again.json(), again.headers["idempotent-replayed"]) == (view, "true"), "the same receipt, however late"
    assert code_of(await till.redeem("r2", token=shown["token"])) == (409, "coupon_redeemed")
    assert code_of(await mall.http.post("/v1/redemption-tokens", json={"coupon_id": coupon_id})) == (
        409,
        "coupon_redeemed",
    )
    detail = await mall.coupon(coupon_id)
    assert (detail["status"], detail["ledger"][-1]["checkout_id"], detail["ledger"][-1]["actor"]) == (
        "redeemed",
        view["id"],
        "key:key_test",
    )
    (event,) = await mall.told("coupon.redeemed")
    assert (event["redemption_id"], event["checkout_id"]) == (view["id"], None)
    assert (event["shop_id"], event["order_id"], event["amount"]) == ("shopA", "r1", 1000)
    assert (await till.http.get(f"/v1/redemptions/{view['id']}")).json() == view
    assert (await till.http.get("/v1/redemptions", params={"customer_id": "c1"})).json()["data"] == [view]
    other = Till(mall, "shopB")
    assert (await other.http.get("/v1/redemptions")).json()["data"] == []
    assert (await other.http.get(f"/v1/redemptions/{view['id']}")).status_code == 404
    assert await mall.audit() == {}


async def test_a_short_code_can_be_read_aloud(mall: Mall) -> None:
    coupon_id = await mall.claim(await mall.template())
    code = (await show(mall, coupon_id))["short_code"]
    assert read_short_code(code) == code
    till = Till(mall)
    slip = code[:-1] + str((int(code[-1]) + 1) % 10)
    assert code_of(await till.redeem(short_code=slip)) == (409, "short_code_mistyped")
    spoken = await till.redeem(short_code=f"{code[:3]} {code[3:6]}-{code[6:]}")
    assert spoken.status_code == 201, spoken.text


async def test_fifty_tills_redeem_one_token_once(mall: Mall) -> None:
    shown = await show(mall, await mall.claim(await mall.template()))
    tills = [Till(mall, f"shop{number % 5}") for number in range(5)]
    calls = [tills[number % 5].redeem(f"r{number}", token=shown["token"]) for number in range(50)]
    answers = await asyncio.gather(*calls)
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 49}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"coupon_redeemed"}
    assert len(await mall.told("coupon.redeemed")) == 1
    assert await mall.audit() == {}


async def test_a_checkout_and_a_till_never_both_have_it(mall: Mall, clock: ManualClock) -> None:
    coupon_id = await mall.claim(await mall.template())
    shown = await show(mall, coupon_id)
    till = Till(mall)
    order, sold = await asyncio.gather(
        mall.try_checkout("o1", mall.cart(coupons=[coupon_id])), till.redeem(token=shown["token"])
    )
    assert sorted((order.status_code, sold.status_code)) == [201, 409]
    second = await mall.claim(await mall.template())
    shown = await show(mall, second)
    checkout = await mall.checkout("o2", mall.cart(coupons=[second]), ttl_seconds=10)
    assert code_of(await till.redeem("r2", token=shown["token"])) == (409, "coupon_locked")
    clock.advance(seconds=11)
    assert (await till.redeem("r2", token=shown["token"])).status_code == 201, "the order's lock ran out"
    late = await mall.end(checkout["id"], "commit")
    assert code_of(late) == (409, "checkout_expired")
    assert await mall.audit() == {}


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


async def test_only_staff_keys_redeem_and_only_for_their_shop(mall: Mall, clock: ManualClock) -> None:
    template_id = await mall.template(scope={"include": {"shops": ["shopA"]}})
    shown = await show(mall, await mall.claim(template_id))
    assert code_of(await Till(mall, None, "secret").redeem(token=shown["token"])) == (403, "staff_key_needed")
    assert code_of(await Till(mall, "shopB").redeem(token=shown["token"])) == (409, "wrong_shop")
    line = {"line_id": "1", "sku": "s", "quantity": 1, "unit_price": 5000, "shop_id": "shopA"}
    assert code_of(await Till(mall, "shopB").redeem(token=shown["token"], lines=[line])) == (409, "wrong_shop")
    done = (await Till(mall).redeem(token=shown["token"], lines=[line])).json()
    path = f"/v1/redemptions/{done['id']}/reverse"
    stranger = await Till(mall, "shopB").http.post(path, json={"reason": "x"})
    assert stranger.status_code == 404
    assert (await Till(mall).http.post(path, json={"reason": "x"})).json()["status"] == "reversed"


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({"scope": {"channels": ["app"]}}, "wrong_channel"),
        ({"validity": {"hours": [{"from": "20:00", "until": "22:00"}]}}, "outside_hours"),
        ({"scope": {"segments": ["seg_x"]}}, "not_eligible"),
    ],
)
async def test_terms_hold_in_the_store_too(mall: Mall, terms: Json, code: str) -> None:
    template_id = await mall.template()
    coupon_id = await mall.claim(template_id)
    strict = await mall.http.patch(f"/v1/coupon-templates/{template_id}", json=terms)
    assert strict.status_code == 200
    # the coupon keeps its terms; one issued under the new ones is bound by them
    issued = {"customer_ids": ["c1"], "reason": "x"}
    assert (await Till(mall).redeem("r0", coupon_id=coupon_id, customer_id="c1")).status_code == 201
    if code == "not_eligible":
        return
    job = (await mall.http.post(f"/v1/coupon-templates/{template_id}/issues", json=issued)).json()
    await mall.finished(job["id"])
    listed = (await mall.http.get("/v1/coupons", params={"customer_id": "c1", "status": "issued"})).json()["data"]
    refused = await Till(mall).redeem(coupon_id=listed[0]["id"], customer_id="c1")
    assert code_of(refused) == (409, code)
    assert code_of(await mall.http.post("/v1/redemption-tokens", json={"coupon_id": listed[0]["id"]})) == (409, code)


async def test_a_receipt_is_an_order_for_those_who_may_order_first(mall: Mall) -> None:
    scope = {"first_order_only": True}
    coupons = [await mall.claim(await mall.template(scope=scope)) for _ in range(2)]
    till = Till(mall)
    first = [till.redeem(f"r{number}", coupon_id=one, customer_id="c1") for number, one in enumerate(coupons)]
    answers = await asyncio.gather(*first)
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"not_eligible"}
    done = next(answer.json() for answer in answers if answer.status_code == 201)
    (left,) = {*coupons} - {done["coupon_id"]}
    quote = await mall.quote(mall.cart(coupons=[left]))
    assert quote["rejected"][0]["code"] == "not_eligible", "nor on line"
    await till.http.post(f"/v1/redemptions/{done['id']}/reverse", json={"reason": "x"})
    assert (await mall.quote(mall.cart(coupons=[left])))["discount"] == 1000


async def test_the_engine_prices_a_receipt(mall: Mall) -> None:
    template_id = await mall.template(
        benefit={"kind": "percent_off", "percent_bp": 1000}, threshold={"amount": 10_000}, scope={"channels": ["store"]}
    )
    shown = await show(mall, await mall.claim(template_id))
    till = Till(mall)
    line = {"line_id": "1", "sku": "s", "quantity": 1, "unit_price": 9_000}
    short = await till.redeem(token=shown["token"], lines=[line])
    assert code_of(short) == (409, "below_threshold")
    assert short.json()["missing_amount"] == 1_000
    assert code_of(await till.redeem(token=shown["token"])) == (422, "amount_needed")
    done = await till.redeem(token=shown["token"], lines=[{**line, "quantity": 2}])
    assert done.json()["amount"] == 1_800
    assert await mall.audit() == {}


async def test_an_amount_is_at_most_the_face_amount(mall: Mall) -> None:
    shown = await show(mall, await mall.claim(await mall.template(1000, limits={"budget": 1000})))
    till = Till(mall)
    assert code_of(await till.redeem(token=shown["token"], amount=1001)) == (422, "amount_above_face")
    assert (await till.redeem(token=shown["token"], amount=700)).json()["amount"] == 700
    assert await mall.audit() == {}


async def test_reversing_gives_the_coupon_back_on_the_same_day_only(mall: Mall, clock: ManualClock) -> None:
    template_id = await mall.template(1000, limits={"budget": 1000})
    coupon_id = await mall.claim(template_id)
    till = Till(mall)
    done = (await till.redeem(token=(await show(mall, coupon_id))["token"], amount=600)).json()
    assert (await mall.seen(template_id))["budget_spent"] == 600
    path = f"/v1/redemptions/{done['id']}/reverse"
    first = await till.http.post(path, json={"reason": "收银员扫错"})
    assert (first.json()["status"], first.json()["reverse_reason"]) == ("reversed", "收银员扫错")
    assert (await till.http.post(path, json={"reason": "again"})).json() == first.json()
    assert (await mall.coupon(coupon_id))["status"] == "issued"
    assert (await mall.seen(template_id))["budget_spent"] == 1000
    (returned,) = await mall.told("coupon.returned")
    assert (returned["reason"], returned["checkout_id"]) == ("reversed", None)
    assert returned["redemption_id"].startswith("rdm_")
    again = (await till.redeem(token=(await show(mall, coupon_id))["token"])).json()
    assert again["id"] != done["id"]
    clock.advance(seconds=14 * 3600)  # midnight in Shanghai
    late = await till.http.post(f"/v1/redemptions/{again['id']}/reverse", json={"reason": "x"})
    assert code_of(late) == (409, "too_late_to_reverse")
    assert await mall.audit() == {}


async def test_an_offline_till_needs_nothing_but_the_public_key(mall: Mall, clock: ManualClock) -> None:
    shown = await show(mall, await mall.claim(await mall.template(30_000, threshold={"amount": 50_000})))
    keys = (await mall.http.get("/v1/redemption-keys")).json()
    now = int(clock.now().timestamp())
    claims = verified_offline(shown["token"], keys, now)
    assert (claims["ben"], claims["amt"], claims["thr"], claims["max"]) == ("amount_off", 30_000, 50_000, 20_000)
    assert claims["exp"] - claims["iat"] <= 60
    with pytest.raises(ValueError, match="not its time"):
        verified_offline(shown["token"], keys, now + 61)
    with pytest.raises(InvalidSignature):
        verified_offline(shown["token"][:-2] + ("AA" if shown["token"][-2:] != "AA" else "BB"), keys, now)
    assert "c1" not in str(claims), "whoever scans it learns nothing about the customer"


async def test_offline_redemptions_settle_once_and_conflicts_are_kept(mall: Mall, clock: ManualClock) -> None:
    coupons = [await mall.claim(await mall.template(1000, limits={"budget": 2000})) for _ in range(3)]
    tokens = [(await show(mall, one))["token"] for one in coupons]
    at = clock.now().isoformat()
    clock.advance(seconds=20)
    assert (await Till(mall, "shopB").redeem("online", token=tokens[1])).status_code == 201
    await mall.checkout("o1", mall.cart(coupons=[coupons[2]]), ttl_seconds=86_400)
    clock.advance(seconds=7200)
    items = [
        {"token": token, "redeemed_at": at, "order_ref": f"r{number}", "amount": 800}
        for number, token in enumerate(tokens)
    ]
    till = Till(mall)
    first = await till.settle(*items)
    assert [(one["outcome"], one["code"]) for one in first] == [
        ("redeemed", None),
        ("conflict", "coupon_redeemed"),
        ("conflict", "coupon_locked"),
    ]
    again = await till.settle(*reversed(items))
    assert [one["outcome"] for one in again] == ["conflict", "conflict", "replayed"]
    assert again[2]["redemption_id"] == first[0]["redemption_id"]
    assert again[1]["conflict_id"] != first[1]["conflict_id"] or again[1] == first[1]
    listed = (await till.http.get("/v1/redemption-conflicts")).json()["data"]
    assert [(one["coupon_id"], one["code"]) for one in listed] == [
        (coupons[2], "coupon_locked"),
        (coupons[1], "coupon_redeemed"),
    ]
    assert listed[1]["held_by"].startswith("rdm_")
    assert listed[0]["held_by"].startswith("chk_")
    assert (await till.http.get(f"/v1/redemption-conflicts/{listed[0]['id']}")).json() == listed[0]
    assert (await Till(mall, "shopB").http.get("/v1/redemption-conflicts")).json()["data"] == []
    settled = (await till.http.get(f"/v1/redemptions/{first[0]['redemption_id']}")).json()
    assert (settled["offline"], settled["redeemed_at"]) == (True, at.replace("+00:00", "Z"))
    assert await mall.audit() == {}


async def test_an_offline_till_is_held_to_what_it_could_have_checked(mall: Mall, clock: ManualClock) -> None:
    coupon_id = await mall.claim(await mall.template(1000, validity={"days_after_claim": 1}, limits={"budget": 1000}))
    shown = await show(mall, coupon_id)
    now = clock.now()
    till = Till(mall)

    async def outcome(**wrong: Any) -> tuple[str, str | None]:
        item = {"token": shown["token"], "redeemed_at": now.isoformat(), "order_ref": "r1", "amount": 1000, **wrong}
        (result,) = await till.settle(item)
        assert result["outcome"] in ("redeemed", "replayed") or (result["detail"] and result["detail_zh"])
        return result["outcome"], result["code"]

    assert await outcome(token="x.y.z") == ("refused", "token_unknown")
    assert await outcome(amount=1001) == ("refused", "amount_over_offline_cap")
    clock.advance(seconds=120)
    late = clock.now().isoformat()
    assert await outcome(redeemed_at=late) == ("refused", "outside_token_life")
    clock.advance(seconds=2 * 86_400)
    await mall.running.tick()
    assert (await mall.coupon(coupon_id))["status"] == "expired"
    assert await outcome() == ("redeemed", None), "it was valid when the till took it"
    assert await mall.audit() == {}
    clock.advance(seconds=8 * 86_400)
    assert await outcome(order_ref="r2") == ("refused", "settled_too_late")


async def test_keys_rotate_and_old_tokens_still_prove_themselves(mall: Mall, clock: ManualClock) -> None:
    old = await show(mall, await mall.claim(await mall.template()))
    before = (await mall.http.get("/v1/redemption-keys")).json()["keys"]
    rotated = await mall.http.post("/v1/redemption-keys/rotate")
    after = rotated.json()["keys"]
    assert (rotated.status_code, len(before), len(after)) == (201, 1, 2)
    new = await show(mall, await mall.claim(await mall.template()))
    now = int(clock.now().timestamp())
    for token in (old["token"], new["token"]):
        verified_offline(token, {"keys": after}, now)
    till = Till(mall)
    assert (await till.redeem("r1", token=old["token"])).status_code == 201
    assert (await till.redeem("r2", token=new["token"])).status_code == 201
    clock.advance(seconds=8 * 86_400)
    assert [key["kid"] for key in (await mall.http.get("/v1/redemption-keys")).json()["keys"]] == [after[0]["kid"]]


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


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"token": "x", "short_code": "1"},
        {"coupon_id": "cpn_1"},
        {"token": "x", "customer_id": "c1"},
        {"token": "x", "amount": 1, "lines": [{"line_id": "1", "quantity": 1, "unit_price": 1}]},
        {"token": "x", "amount": -1},
        {"token": "x", "shop_id": "shopB"},
    ],
)
async def test_bad_requests_are_refused(mall: Mall, body: Json) -> None:
    answer = await Till(mall).redeem(**body)
    assert code_of(answer) == (422, "validation_failed")
