"""Tills off line: what they prove with public keys alone, and how they settle afterwards."""

import base64
import json
from typing import Any

import pytest
from api.coupon.mall import Json, Mall
from api.coupon.tillkit import Till, part_of, show
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from shared.clock import ManualClock


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
    assert again[1] == first[1]
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
