"""Share to get over HTTP: each friend once, the sharer once, exact under races."""

import asyncio
from collections import Counter
from typing import Any

from api.coupon.mall import Json, Mall

from shared.clock import ManualClock


async def offer(mall: Mall, reward: str, **more: Any) -> str:
    body = {"name": "邀好友得券", "reward_template_id": reward, "friends": 3, **more}
    answer = await mall.http.post("/v1/share-offers", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def share(mall: Mall, offer_id: str, customer_id: str = "sharer") -> Json:
    answer = await mall.http.post(f"/v1/share-offers/{offer_id}/shares", json={"customer_id": customer_id})
    assert answer.status_code == 201, answer.text
    found: Json = answer.json()
    return found


async def help_(mall: Mall, token: str, customer_id: str) -> Any:
    return await mall.http.post(f"/v1/shares/{token}/helps", json={"customer_id": customer_id})


async def seen(mall: Mall, token: str) -> Json:
    found: Json = (await mall.http.get(f"/v1/shares/{token}")).json()
    return found


async def test_friends_help_and_the_last_one_brings_the_reward(mall: Mall) -> None:
    reward, treat = await mall.template(5000), await mall.template(500, limits={"per_customer": 1})
    offer_id = await offer(mall, reward, friend_template_id=treat)
    token = (await share(mall, offer_id))["token"]
    assert (await share(mall, offer_id))["token"] == token  # still open: the same
    own = await help_(mall, token, "sharer")
    assert (own.status_code, own.json()["code"]) == (403, "own_share")
    first = await help_(mall, token, "f1")
    assert first.status_code == 201, first.text
    assert (first.json()["position"], first.json()["coupon"]["template_id"]) == (1, treat)
    assert (await help_(mall, token, "f1")).json() == first.json()
    await mall.claim(treat, "f2")  # they have theirs: the help counts all the same
    second = (await help_(mall, token, "f2")).json()
    assert (second["helps"], second["coupon"], second["refused"]) == (2, None, "claim_limit_reached")
    last = (await help_(mall, token, "f3")).json()
    assert (last["status"], last["helps"]) == ("complete", 3)
    view = await seen(mall, token)
    coupon = await mall.coupon(view["reward_coupon_id"])
    assert (coupon["customer_id"], coupon["template_id"], coupon["source"]) == ("sharer", reward, "share")
    late = await help_(mall, token, "f4")
    assert (late.status_code, late.json()["code"]) == (409, "share_complete")
    again = await mall.http.post(f"/v1/share-offers/{offer_id}/shares", json={"customer_id": "sharer"})
    assert again.json()["code"] == "share_limit_reached"
    figures = (await mall.http.get(f"/v1/share-offers/{offer_id}")).json()
    assert (figures["shares"], figures["completed"], figures["helps"]) == (1, 1, 3)
    helpers = (await mall.http.get(f"/v1/shares/{token}/helps")).json()["data"]
    assert [one["customer_id"] for one in helpers] == ["f1", "f2", "f3"]
    assert await mall.audit() == {}


async def test_a_race_of_friends_counts_each_and_rewards_once(mall: Mall) -> None:
    reward, treat = await mall.template(5000), await mall.template(500)
    token = (await share(mall, await offer(mall, reward, friend_template_id=treat, friends=5)))["token"]
    answers = await asyncio.gather(*[help_(mall, token, f"f{number % 20}") for number in range(60)])
    assert Counter(answer.status_code for answer in answers)[201] >= 5
    good = {answer.json()["coupon"]["customer_id"] for answer in answers if answer.status_code == 201}
    assert len(good) == 5
    assert {answer.json()["code"] for answer in answers if answer.status_code != 201} == {"share_complete"}
    assert ((await mall.seen(reward))["issued"], (await mall.seen(treat))["issued"]) == (1, 5)
    assert await mall.audit() == {}


async def test_a_friend_helps_a_sharer_of_an_offer_once_and_in_time(mall: Mall, clock: ManualClock) -> None:
    offer_id = await offer(mall, await mall.template(), per_customer=2, window_hours=1)
    first = (await share(mall, offer_id))["token"]
    await help_(mall, first, "f1")
    clock.advance(seconds=3600)
    late = await help_(mall, first, "f2")
    assert (late.status_code, late.json()["code"]) == (410, "share_expired")
    assert (await seen(mall, first))["status"] == "expired"
    second = (await share(mall, offer_id))["token"]
    assert second != first
    again = await help_(mall, second, "f1")
    assert (again.status_code, again.json()["code"]) == (409, "already_helped")
    assert (await help_(mall, (await share(mall, offer_id, "f1"))["token"], "sharer")).status_code == 201
    await mall.http.patch(f"/v1/share-offers/{offer_id}", json={"status": "paused"})
    assert (await help_(mall, second, "f3")).json()["code"] == "offer_paused"
    assert await mall.audit() == {}


async def test_a_reward_that_is_sold_out_says_so_and_friends_may_have_to_be_new(mall: Mall, clock: ManualClock) -> None:
    await mall.claim(await mall.template(), "old")
    clock.advance(seconds=2 * 86_400)
    offer_id = await offer(mall, await mall.template(limits={"total": 0}), friends=1, new_customer_days=1)
    token = (await share(mall, offer_id))["token"]
    old = await help_(mall, token, "old")
    assert (old.status_code, old.json()["code"]) == (403, "not_eligible")
    assert (await help_(mall, token, "new")).json()["status"] == "complete"
    view = await seen(mall, token)
    assert (view["reward_coupon_id"], view["reward_refused"]) == (None, "sold_out")


async def test_shoppers_see_their_own_shares_and_of_others_what_the_link_shows(mall: Mall) -> None:
    offer_id = await offer(mall, await mall.template())
    mine = await share(mall, offer_id)
    friend = mall.running.client(customer_id="f1")
    shown = (await friend.get(f"/v1/shares/{mine['token']}")).json()
    assert (shown["customer_id"], shown["friends"], shown["offer_name"]) == (None, 3, "邀好友得券")
    assert (await friend.get(f"/v1/shares/{mine['id']}")).status_code == 404
    assert (await friend.get(f"/v1/shares/{mine['token']}/helps")).status_code == 404
    assert (await friend.get("/v1/shares")).json()["data"] == []
    assert (await friend.post(f"/v1/shares/{mine['token']}/helps", json={"customer_id": "f2"})).status_code == 404
    assert (await mall.http.get(f"/v1/shares?offer_id={offer_id}&customer_id=sharer")).json()["data"] == [mine]
    assert (await help_(mall, "nothing", "f1")).status_code == 404
    assert (await mall.http.post("/v1/share-offers", json={})).status_code == 422
    bad = {"name": "x", "reward_template_id": "tpl_x", "friends": 1}
    assert (await mall.http.post("/v1/share-offers", json=bad)).json()["errors"][0]["code"] == "unknown_template"
    assert [one["id"] for one in (await mall.http.get("/v1/share-offers?status=active")).json()["data"]] == [offer_id]
