"""Checkouts: one holder for each coupon, idempotent by order, consistent whatever happens together."""

import asyncio
from collections import Counter

import pytest
from api.coupon.mall import Mall

from shared.clock import ManualClock


async def test_two_orders_cannot_hold_one_coupon(mall: Mall) -> None:
    coupon_id = await mall.claim(await mall.template())
    cart = mall.cart(coupons=[coupon_id])
    answers = await asyncio.gather(*[mall.try_checkout(f"o{number}", cart) for number in range(8)])
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 7}
    lost = next(answer.json() for answer in answers if answer.status_code == 409)
    assert (lost["code"], lost["rejected"][0]["code"]) == ("coupon_unavailable", "locked")
    assert len((await mall.coupon(coupon_id))["ledger"]) == 2
    assert await mall.audit() == {}


async def test_with_best_the_loser_pays_without_the_coupon(mall: Mall) -> None:
    coupon_id = await mall.claim(await mall.template())
    answers = await asyncio.gather(*[mall.checkout(f"o{number}") for number in range(4)])
    assert sorted(answer["quote"]["discount"] for answer in answers) == [0, 0, 0, 1000]
    loser = next(answer for answer in answers if not answer["quote"]["discount"])
    assert [(one["coupon_id"], one["code"]) for one in loser["quote"]["rejected"]] == [(coupon_id, "locked")]
    assert await mall.audit() == {}


async def test_the_same_order_gets_the_same_checkout(mall: Mall) -> None:
    await mall.claim(await mall.template())
    answers = await asyncio.gather(*[mall.try_checkout("o1") for _ in range(6)])
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert Counter("idempotent-replayed" in answer.headers for answer in answers) == {True: 5, False: 1}
    other = await mall.try_checkout("o1", mall.cart(9999))
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    checkout_id = answers[0].json()["id"]
    assert (await mall.end(checkout_id, "commit")).status_code == 200
    again = (await mall.try_checkout("o1")).json()
    assert (again["id"], again["status"]) == (checkout_id, "committed")
    assert await mall.audit() == {}


async def test_an_order_that_was_given_up_may_try_again(mall: Mall) -> None:
    coupon_id = await mall.claim(await mall.template())
    first = await mall.checkout("o1")
    await mall.end(first["id"], "rollback")
    second = await mall.checkout("o1", mall.cart(20_000))
    assert second["id"] != first["id"]
    assert [lock["token"] for lock in second["locks"]] == [2]
    stale = await mall.end(first["id"], "commit")
    assert (stale.status_code, stale.json()["code"]) == (409, "checkout_rolled_back")
    assert (await mall.end(first["id"], "rollback")).status_code == 200
    assert (await mall.coupon(coupon_id))["checkout_id"] == second["id"]
    listed = (await mall.http.get("/v1/checkouts?order_id=o1")).json()["data"]
    assert [(one["id"], one["status"]) for one in listed] == [(second["id"], "locked"), (first["id"], "rolled_back")]
    assert await mall.audit() == {}


async def test_commit_and_rollback_together_have_one_winner(mall: Mall) -> None:
    coupon_id = await mall.claim(await mall.template(limits={"budget": 5000}))
    checkout = await mall.checkout("o1")
    hows = ["commit", "rollback"] * 6
    answers = await asyncio.gather(*[mall.end(checkout["id"], how) for how in hows])
    won = {how for how, answer in zip(hows, answers, strict=True) if answer.status_code == 200}
    assert len(won) == 1
    assert Counter(answer.status_code for answer in answers) == {200: 6, 409: 6}
    status = (await mall.http.get(f"/v1/checkouts/{checkout['id']}")).json()["status"]
    assert (await mall.coupon(coupon_id))["status"] == {"committed": "redeemed", "rolled_back": "issued"}[status]
    assert len((await mall.coupon(coupon_id))["ledger"]) == 3
    assert await mall.audit() == {}


async def test_a_lock_runs_out_by_the_clock_and_is_written_down_by_the_sweeper(mall: Mall, clock: ManualClock) -> None:
    coupon_id = await mall.claim(await mall.template())
    checkout = await mall.checkout("o1", ttl_seconds=60)
    clock.advance(seconds=60)
    assert (await mall.coupon(coupon_id))["status"] == "issued"
    assert (await mall.http.get(f"/v1/checkouts/{checkout['id']}")).json()["status"] == "expired"
    assert (await mall.quote(mall.cart()))["discount"] == 1000
    await mall.running.tick()
    assert [entry["event"] for entry in (await mall.coupon(coupon_id))["ledger"]] == ["issued", "locked", "returned"]
    (returned,) = await mall.told("coupon.returned")
    assert returned["reason"] == "lock_expired"
    assert await mall.audit() == {}


@pytest.mark.parametrize("swept", [True, False])
async def test_another_order_takes_a_coupon_whose_lock_ran_out(mall: Mall, clock: ManualClock, swept: bool) -> None:
    await mall.claim(await mall.template())
    first = await mall.checkout("o1", ttl_seconds=60)
    clock.advance(seconds=61)
    if swept:
        await mall.running.tick()
    second = await mall.checkout("o2")
    assert second["quote"]["discount"] == 1000
    late = await mall.end(first["id"], "commit")
    assert (late.status_code, late.json()["code"]) == (409, "checkout_expired")
    assert late.json()["coupons"] == [{"coupon_id": second["locks"][0]["coupon_id"], "status": "locked"}]
    assert (await mall.end(second["id"], "commit")).status_code == 200
    assert await mall.audit() == {}


@pytest.mark.parametrize("swept", [True, False])
async def test_a_late_commit_takes_the_coupons_again_when_they_are_free(
    mall: Mall, clock: ManualClock, swept: bool
) -> None:
    coupon_id = await mall.claim(await mall.template(limits={"budget": 5000}))
    checkout = await mall.checkout("o1", ttl_seconds=60)
    clock.advance(seconds=61)
    if swept:
        await mall.running.tick()
    for _ in range(2):
        paid = await mall.end(checkout["id"], "commit")
        assert (paid.status_code, paid.json()["status"]) == (200, "committed")
        assert paid.json()["quote"] == checkout["quote"]
        assert paid.json()["locks"][0]["token"] == (2 if swept else 1)
    events = [entry["event"] for entry in (await mall.coupon(coupon_id))["ledger"]]
    assert events == ["issued", "locked", *(["returned", "locked"] if swept else []), "redeemed"]
    assert await mall.audit() == {}


async def test_a_late_commit_is_refused_when_its_coupon_ended_or_its_order_has_another(
    mall: Mall, clock: ManualClock
) -> None:
    coupon_id = await mall.claim(await mall.template(validity={"until": "2026-11-11T02:02:00Z"}))
    checkout = await mall.checkout("o1", ttl_seconds=60)
    empty = await mall.checkout("o2", mall.cart(coupons=[]), ttl_seconds=60)
    clock.advance(seconds=180)
    await mall.running.tick()
    late = await mall.end(checkout["id"], "commit")
    assert (late.status_code, late.json()["coupons"]) == (409, [{"coupon_id": coupon_id, "status": "expired"}])
    newer = await mall.checkout("o2", mall.cart(coupons=[]))
    replaced = await mall.end(empty["id"], "commit")
    assert (replaced.json()["code"], replaced.json()["checkout_id"]) == ("checkout_replaced", newer["id"])
    assert await mall.audit() == {}


async def test_a_coupon_may_end_while_its_order_is_paid_in_time(mall: Mall, clock: ManualClock) -> None:
    await mall.claim(await mall.template(validity={"until": "2026-11-11T02:02:00Z"}))
    checkout = await mall.checkout("o1", ttl_seconds=900)
    clock.advance(seconds=180)
    await mall.running.tick()
    assert (await mall.end(checkout["id"], "commit")).status_code == 200
    assert await mall.audit() == {}


async def test_several_coupons_are_locked_with_their_exact_shares(mall: Mall) -> None:
    shop = await mall.template(1000, stacking={"layer": "shop"}, threshold={"amount": 10_000})
    percent = await mall.template(benefit={"kind": "percent_off", "percent_bp": 1000}, stacking={"layer": "coupon"})
    ids = [await mall.claim(shop), await mall.claim(percent)]
    lines = [{"line_id": str(number), "quantity": 1, "unit_price": 3333} for number in range(4)]
    checkout = await mall.checkout("o1", {"customer_id": "c1", "lines": lines})
    assert [lock["amount"] for lock in checkout["locks"]] == [1000, 1333]
    assert checkout["quote"]["discount"] == 2333
    for line in checkout["quote"]["lines"]:
        assert sum(share["amount"] for share in line["discounts"]) == line["discount"]
    assert (await mall.end(checkout["id"], "commit")).status_code == 200
    assert {(await mall.coupon(one))["status"] for one in ids} == {"redeemed"}
    assert await mall.audit() == {}


async def test_named_coupons_that_only_do_not_fit_stay_in_the_wallet(mall: Mall) -> None:
    coupon_id = await mall.claim(await mall.template(threshold={"amount": 50_000}))
    cart = mall.cart(coupons=[coupon_id])
    checkout = await mall.checkout("o1", cart)
    assert checkout["quote"] == await mall.quote(cart)
    assert checkout["quote"]["rejected"][0]["missing_amount"] == 40_000
    assert (await mall.coupon(coupon_id))["status"] == "issued"


async def test_named_coupons_that_are_gone_refuse_the_order_and_lock_nothing(mall: Mall) -> None:
    good, used = await mall.claim(await mall.template()), await mall.claim(await mall.template())
    await mall.end((await mall.checkout("o1", mall.cart(coupons=[used])))["id"], "commit")
    refused = await mall.try_checkout("o2", mall.cart(coupons=[good, used, "cpn_none"]))
    assert (refused.status_code, refused.json()["code"]) == (409, "coupon_unavailable")
    assert [one["code"] for one in refused.json()["rejected"]] == ["redeemed", "not_found"]
    assert (await mall.coupon(good))["status"] == "issued"
    assert (await mall.http.get("/v1/checkouts?order_id=o2")).json()["data"] == []


async def test_unknown_checkouts_and_other_peoples(mall: Mall) -> None:
    checkout = await mall.checkout("o1")
    shopper = mall.running.client(customer_id="c2")
    for path in ("chk_none", checkout["id"]):
        client = mall.http if path == "chk_none" else shopper
        assert (await client.get(f"/v1/checkouts/{path}")).status_code == 404
        assert (await client.post(f"/v1/checkouts/{path}/commit")).status_code == 404
        assert (await client.post(f"/v1/checkouts/{path}/rollback")).status_code == 404


async def test_an_idempotency_key_covers_a_checkout_and_its_commit(mall: Mall) -> None:
    await mall.claim(await mall.template())
    headers = {"Idempotency-Key": "k1"}
    body = {**mall.cart(), "order_id": "o1"}
    first = await mall.http.post("/v1/checkouts", json=body, headers=headers)
    again = await mall.http.post("/v1/checkouts", json=body, headers=headers)
    assert first.content == again.content
    path = f"/v1/checkouts/{first.json()['id']}/commit"
    answers = [await mall.http.post(path, headers={"Idempotency-Key": "k2"}) for _ in range(2)]
    assert answers[0].content == answers[1].content
    assert await mall.audit() == {}


# The field's known failures, by name


async def test_a_coupon_is_not_stuck_after_a_failed_payment(mall: Mall) -> None:
    """WooCommerce 27673, 31245: the same order pays again at once, and so does another one after giving up."""
    coupon_id = await mall.claim(await mall.template())
    first = await mall.checkout("o1")  # the payment fails, the shopper tries again
    again = await mall.checkout("o1")
    assert (again["id"], again["quote"]["discount"]) == (first["id"], 1000)
    await mall.end(first["id"], "rollback")
    assert (await mall.checkout("o2"))["locks"][0]["coupon_id"] == coupon_id
    assert await mall.audit() == {}


async def test_two_unpaid_orders_never_use_one_coupon(mall: Mall) -> None:
    """v2board 408: two open orders, both paid in the end."""
    await mall.claim(await mall.template())
    first, second = await mall.checkout("o1"), await mall.checkout("o2")
    ends = await asyncio.gather(mall.end(first["id"], "commit"), mall.end(second["id"], "commit"))
    assert [answer.status_code for answer in ends] == [200, 200]
    assert sorted(one["quote"]["discount"] for one in (first, second)) == [0, 1000]
    assert await mall.audit() == {}


async def test_a_coupon_that_was_released_and_used_again_is_not_used_by_the_old_order(
    mall: Mall, clock: ManualClock
) -> None:
    """registrasion 1: release, use elsewhere, then pay the first order late."""
    coupon_id = await mall.claim(await mall.template())
    first = await mall.checkout("o1", ttl_seconds=60)
    clock.advance(seconds=61)
    second = await mall.checkout("o2", mall.cart(coupons=[coupon_id]))
    await mall.end(second["id"], "commit")
    late = await mall.end(first["id"], "commit")
    assert (late.status_code, late.json()["coupons"][0]["status"]) == (409, "redeemed")
    await mall.refund(second["id"])  # it is back in the wallet: the late order may have it now, once
    assert (await mall.end(first["id"], "commit")).status_code == 200
    over = await mall.try_checkout("o3", mall.cart(coupons=[coupon_id]))
    assert over.json()["code"] == "coupon_unavailable"
    assert await mall.audit() == {}
