"""Packs 礼包: several coupons at once, all or nothing, once for each customer and number."""

import asyncio
from collections import Counter

import httpx
from api.coupon.mall import Json, Mall

from shared.contracts import ProfileCreated


async def pack(mall: Mall, *items: tuple[str, int], **more: object) -> str:
    named = [{"template_id": template_id, "quantity": quantity} for template_id, quantity in items]
    answer = await mall.http.post("/v1/coupon-packs", json={"name": "新人礼包", "items": named, **more})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def claim(mall: Mall, pack_id: str, customer_id: str = "c1", **more: object) -> httpx.Response:
    return await mall.http.post(f"/v1/coupon-packs/{pack_id}/claims", json={"customer_id": customer_id, **more})


async def seen(mall: Mall, pack_id: str) -> Json:
    found: Json = (await mall.http.get(f"/v1/coupon-packs/{pack_id}")).json()
    return found


async def test_a_pack_gives_all_its_coupons(mall: Mall) -> None:
    first, second = await mall.template(500), await mall.template(800, limits={"total": 10})
    pack_id = await pack(mall, (first, 2), (second, 1))
    answer = await claim(mall, pack_id)
    assert answer.status_code == 201, answer.text
    got = answer.json()
    assert Counter(one["template_id"] for one in got["coupons"]) == {first: 2, second: 1}
    assert {(one["customer_id"], one["source"], one["status"]) for one in got["coupons"]} == {("c1", "pack", "issued")}
    entry = (await mall.coupon(got["coupons"][0]["id"]))["ledger"][0]
    assert (entry["actor"], entry["reason"]) == ("key:key_test", "pack 新人礼包")
    assert {one["reference"] for one in await mall.told("coupon.issued")} == {got["id"]}
    path = f"/v1/coupon-packs/{pack_id}/claims"
    assert (await mall.http.get(f"{path}/{got['id']}")).json() == got
    assert (await mall.http.get(f"{path}?customer_id=c1")).json()["data"] == [got]
    assert (await mall.http.get(f"{path}/pcl_x")).status_code == 404
    again = await claim(mall, pack_id)
    assert (again.status_code, again.json()["code"]) == (409, "claim_limit_reached")
    assert (await seen(mall, pack_id))["issued"] == 1
    assert await mall.audit() == {}


async def test_one_item_that_fails_fails_all_and_is_named(mall: Mall) -> None:
    plenty = await mall.template()
    scarce = await mall.template(limits={"total": 1})
    pack_id = await pack(mall, (plenty, 1), (scarce, 2))
    answer = await claim(mall, pack_id)
    assert (answer.status_code, answer.json()["code"]) == (409, "sold_out")
    assert answer.json()["item"] == {"template_id": scarce, "quantity": 2}
    assert [(await mall.seen(one))["issued"] for one in (plenty, scarce)] == [0, 0]
    assert (await mall.http.get("/v1/coupons?customer_id=c1")).json()["data"] == []
    assert (await seen(mall, pack_id))["issued"] == 0
    assert await mall.told("coupon.issued") == []
    assert await mall.audit() == {}


async def test_clicking_fast_gives_one_and_the_total_holds(mall: Mall) -> None:
    template_id = await mall.template()
    pack_id = await pack(mall, (template_id, 2), limits={"total": 5})
    clicks = await asyncio.gather(*[claim(mall, pack_id) for _ in range(10)])
    assert Counter(one.status_code for one in clicks) == {201: 1, 409: 9}
    others = await asyncio.gather(*[claim(mall, pack_id, f"d{number}") for number in range(10)])
    assert Counter(one.json().get("code") for one in others) == {None: 4, "sold_out": 6}
    assert (await mall.seen(template_id))["issued"] == 10
    assert ((await seen(mall, pack_id))["issued"], (await seen(mall, pack_id))["remaining"]) == (5, 0)
    assert await mall.audit() == {}


async def test_the_same_number_is_given_once(mall: Mall) -> None:
    pack_id = await pack(mall, (await mall.template(), 1), limits={"per_customer": 2})
    answers = await asyncio.gather(*[claim(mall, pack_id, number=1) for _ in range(4)])
    assert {one.status_code for one in answers} == {201}
    assert len({one.json()["id"] for one in answers}) == 1
    assert (await claim(mall, pack_id, number=3)).json()["errors"][0]["code"] == "out_of_turn"
    assert (await claim(mall, pack_id, number=2)).json()["number"] == 2
    assert (await claim(mall, pack_id, number=3)).json()["code"] == "claim_limit_reached"
    assert (await seen(mall, pack_id))["issued"] == 2


async def test_newcomers_get_it_unasked_and_once(mall: Mall) -> None:
    template_id = await mall.template()
    await pack(mall, (template_id, 1), auto_on="profile_created")
    await pack(mall, (await mall.template(limits={"total": 0}), 1), auto_on="profile_created")
    await pack(mall, (template_id, 1), auto_on="profile_created", status="paused")
    await mall.send(ProfileCreated(profile_id="prf_1", customer_id="new"), message_id="evt_1")
    await mall.send(ProfileCreated(profile_id="prf_1", customer_id="new"), message_id="evt_1")
    await mall.send(ProfileCreated(profile_id="prf_1", customer_id="new"), message_id="evt_2")
    await mall.send(ProfileCreated(profile_id="prf_2", customer_id=None))
    (mine,) = (await mall.http.get("/v1/coupons?customer_id=new")).json()["data"]
    assert (mine["template_id"], mine["source"]) == (template_id, "pack")
    assert (await mall.coupon(mine["id"]))["ledger"][0]["actor"] == "profile:created"
    assert await mall.running.bus.parked() == []
    assert await mall.audit() == {}


async def test_packs_are_changed_and_listed(mall: Mall) -> None:
    template_id, other = await mall.template(), await mall.template()
    pack_id = await pack(mall, (template_id, 1), limits={"total": 5, "per_customer": 3})
    await claim(mall, pack_id)
    path = f"/v1/coupon-packs/{pack_id}"
    changed = (await mall.http.patch(path, json={"limits": {"total": 1}, "name": "礼"})).json()
    assert (changed["limits"], changed["name"], changed["remaining"]) == ({"total": 1, "per_customer": 3}, "礼", 0)
    below = await mall.http.patch(path, json={"limits": {"total": 0}})
    assert (below.status_code, below.json()["code"]) == (409, "limit_below_issued")
    assert (await mall.http.patch(path, json={"status": "paused"})).json()["status"] == "paused"
    assert (await claim(mall, pack_id)).json()["code"] == "paused"
    assert [one["id"] for one in (await mall.http.get("/v1/coupon-packs?status=paused")).json()["data"]] == [pack_id]
    twice = {"items": [{"template_id": other}, {"template_id": other}]}
    assert (await mall.http.patch(path, json=twice)).json()["code"] == "validation_failed"
    strange = await mall.http.post("/v1/coupon-packs", json={"name": "x", "items": [{"template_id": "tpl_x"}]})
    assert strange.json()["errors"][0] == {
        "pointer": "#/items/0/template_id",
        "code": "unknown_template",
        "detail": "There is no coupon template with this id.",
    }
    assert (await claim(mall, "pck_x")).status_code == 404


async def test_a_shopper_claims_for_herself_only(mall: Mall) -> None:
    pack_id = await pack(mall, (await mall.template(), 1))
    theirs = (await claim(mall, pack_id, "c2")).json()
    shopper = mall.running.client(customer_id="c1")
    path = f"/v1/coupon-packs/{pack_id}/claims"
    assert (await shopper.post(path, json={"customer_id": "c2"})).status_code == 404
    assert (await shopper.post(path, json={"customer_id": "c1"})).status_code == 201
    assert {one["customer_id"] for one in (await shopper.get(path)).json()["data"]} == {"c1"}
    assert (await shopper.get(f"{path}/{theirs['id']}")).status_code == 404


async def test_a_promotion_is_no_item(mall: Mall) -> None:
    body = {"name": "满减", "benefit": {"kind": "amount_off", "amount": 100}, "threshold": {"amount": 1000}}
    promotion = (await mall.http.post("/v1/promotions", json=body)).json()["id"]
    answer = await mall.http.post("/v1/coupon-packs", json={"name": "x", "items": [{"template_id": promotion}]})
    assert answer.status_code == 422
