"""Scan to claim over HTTP: posters, rotating codes, and how worthless a photograph is."""

import asyncio
from typing import Any

from api.coupon.mall import Json, Mall
from kit.services import SignedBy

from services.coupon.scanning.rules import sign
from shared.clock import ManualClock
from shared.web import Caller


async def claim_code(mall: Mall, template_id: str, rotating: bool = True, **more: Any) -> str:
    body = {"template_id": template_id, "shop_id": "shopA", "rotating": rotating, **more}
    answer = await mall.http.post("/v1/claim-codes", json=body)
    assert answer.status_code == 201, answer.text
    assert "key" not in answer.json()
    return str(answer.json()["id"])


async def token(mall: Mall, code_id: str) -> Json:
    found: Json = (await mall.http.get(f"/v1/claim-codes/{code_id}/token")).json()
    return found


async def scan(mall: Mall, text: str, customer_id: str = "c1") -> Any:
    return await mall.http.post("/v1/claim-codes/redeem", json={"token": text, "customer_id": customer_id})


async def test_a_rotating_code_gives_a_coupon_and_a_photograph_of_it_nothing(mall: Mall, clock: ManualClock) -> None:
    code_id = await claim_code(mall, await mall.template(limits={"per_customer": 5}), ttl_seconds=60)
    shown = await token(mall, code_id)
    assert shown["content"] == shown["token"]
    assert shown["expires_at"] == "2026-11-11T02:01:00Z"
    clock.advance(seconds=68)
    first = await scan(mall, shown["token"])
    assert first.status_code == 201, first.text
    assert first.json()["source"] == "qr"
    clock.advance(seconds=1)
    assert (await scan(mall, shown["token"])).json()["id"] == first.json()["id"]  # tapped twice
    clock.advance(seconds=2)
    late = await scan(mall, shown["token"], "c2")
    assert (late.status_code, late.json()["code"]) == (422, "token_invalid")
    second = await scan(mall, (await token(mall, code_id))["token"])
    assert second.json()["id"] != first.json()["id"]
    assert await mall.audit() == {}


async def test_all_bad_tokens_get_one_answer_and_are_counted(mall: Mall) -> None:
    code_id, paused = await claim_code(mall, await mall.template()), await claim_code(mall, await mall.template())
    asleep = (await token(mall, paused))["token"]
    await mall.http.patch(f"/v1/claim-codes/{paused}", json={"status": "paused"})
    good = (await token(mall, code_id))["token"]
    head, until, mac = good.split(".")
    bad = [
        *("x", "", f"{head}.{int(until) + 1}.{mac}", f"{head}.0.{mac}", sign("00" * 32, code_id, int(until))),
        *(f"clc_{'0' * 26}.{until}.{mac}", asleep),
    ]
    answers = [await scan(mall, text or " ", f"c{number}") for number, text in enumerate(bad)]
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(422, "token_invalid")}
    assert len({answer.text.replace(answer.json()["request_id"], "") for answer in answers}) == 1
    for _ in range(10):
        await scan(mall, "x", "guesser")
    assert (await scan(mall, good, "guesser")).json()["code"] == "too_many_attempts"


async def test_a_poster_gives_one_coupon_a_day_within_the_limits_of_its_template(
    mall: Mall, clock: ManualClock
) -> None:
    template_id = await mall.template(limits={"total": 3})
    poster = await claim_code(mall, template_id, rotating=False, link="https://m.example.com/claim?t={token}")
    shown = await token(mall, poster)
    assert shown["content"] == f"https://m.example.com/claim?t={shown['token']}"
    assert shown["expires_at"] is None
    same = await asyncio.gather(*[scan(mall, shown["token"]) for _ in range(8)])
    assert len({answer.json()["id"] for answer in same}) == 1
    clock.advance(seconds=86_400)
    assert (await scan(mall, shown["token"])).status_code == 201
    assert (await scan(mall, shown["token"], "c2")).status_code == 201
    out = await scan(mall, shown["token"], "c3")
    assert (out.status_code, out.json()["code"]) == (409, "sold_out")
    figures = (await mall.http.get("/v1/claim-codes/figures?shop_id=shopA")).json()["data"]
    assert figures == [
        {"shop_id": "shopA", "day": "2026-11-12", "coupons": 2},
        {"shop_id": "shopA", "day": "2026-11-11", "coupons": 1},
    ]
    assert await mall.audit() == {}


async def test_the_picture_is_an_svg_that_nobody_keeps(mall: Mall) -> None:
    code_id = await claim_code(mall, await mall.template())
    picture = await mall.http.get(f"/v1/claim-codes/{code_id}/qr.svg")
    assert picture.headers["content-type"] == "image/svg+xml"
    assert picture.headers["cache-control"] == "no-store"
    assert b"<svg" in picture.content


async def test_shops_see_their_own_codes_and_shoppers_none(mall: Mall) -> None:
    template_id = await mall.template()
    code_id = await claim_code(mall, template_id)
    shopper = mall.running.client(customer_id="c1")
    assert (await shopper.get(f"/v1/claim-codes/{code_id}/token")).status_code == 404
    staff = mall.running.client()
    staff.auth = staff_of("shopB", mall)
    assert (await staff.get(f"/v1/claim-codes/{code_id}/token")).status_code == 404
    assert (await staff.get("/v1/claim-codes")).json()["data"] == []
    staff.auth = staff_of("shopA", mall)
    assert (await staff.get(f"/v1/claim-codes/{code_id}")).json()["shop_id"] == "shopA"
    assert len((await staff.get(f"/v1/claim-codes?template_id={template_id}&status=active")).json()["data"]) == 1
    bad = {"template_id": "tpl_x", "shop_id": "s", "rotating": True}
    assert (await mall.http.post("/v1/claim-codes", json=bad)).json()["errors"][0]["code"] == "unknown_template"
    for link in ("https://x", "https://x/{token}/{token}", "https://x/{token}/" + "长" * 400):
        assert (await mall.http.post("/v1/claim-codes", json={**bad, "link": link})).json()["errors"][0][
            "pointer"
        ] == "#/link"


def staff_of(shop_id: str, mall: Mall) -> Any:
    return SignedBy(Caller("key_staff", "own_test", "restricted", ("*",), None, shop_id), mall.running._clock)
