"""Longer locks: only while they live, never shorter than before."""

import pytest
from api.coupon.mall import Mall

from shared.clock import ManualClock


async def test_a_lock_is_extended_and_holds_as_long(mall: Mall, clock: ManualClock) -> None:
    coupon_id = await mall.claim(await mall.template())
    checkout = await mall.checkout("o1", ttl_seconds=60)
    clock.advance(seconds=30)
    shorter = await mall.extend(checkout["id"], 10)
    assert (shorter.status_code, shorter.json()["expires_at"]) == (200, checkout["expires_at"])
    longer = await mall.extend(checkout["id"], 120)
    assert (longer.status_code, longer.json()["expires_at"]) == (200, "2026-11-11T02:02:30Z")
    clock.advance(seconds=119)
    await mall.running.tick()
    assert (await mall.coupon(coupon_id))["status"] == "locked"
    assert (await mall.checkout("o2"))["quote"]["discount"] == 0
    assert (await mall.end(checkout["id"], "commit")).status_code == 200
    events = [entry["event"] for entry in (await mall.coupon(coupon_id))["ledger"]]
    assert events == ["issued", "locked", "extended", "redeemed"]
    assert await mall.audit() == {}


@pytest.mark.parametrize("swept", [True, False])
async def test_a_lock_that_ran_out_is_gone(mall: Mall, clock: ManualClock, swept: bool) -> None:
    await mall.claim(await mall.template())
    checkout = await mall.checkout("o1", ttl_seconds=60)
    clock.advance(seconds=60)
    if swept:
        await mall.running.tick()
    late = await mall.extend(checkout["id"], 120)
    assert (late.status_code, late.json()["code"]) == (410, "checkout_expired")
    assert (await mall.checkout("o2"))["quote"]["discount"] == 1000
    assert await mall.audit() == {}


async def test_what_ended_is_not_extended(mall: Mall) -> None:
    paid, given_up = await mall.checkout("o1"), await mall.checkout("o2")
    await mall.end(paid["id"], "commit")
    await mall.end(given_up["id"], "rollback")
    answers = [await mall.extend(one["id"], 60) for one in (paid, given_up)]
    assert [answer.status_code for answer in answers] == [409, 409]
    assert [answer.json()["code"] for answer in answers] == ["checkout_committed", "checkout_rolled_back"]
    assert (await mall.extend("chk_none", 60)).status_code == 404
    assert (await mall.extend(paid["id"], 0)).status_code == 422
