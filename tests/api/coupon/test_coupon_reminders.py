"""Reminders 到期提醒: once, in time, and only to those whom they serve."""

import asyncio

import pytest
from api.coupon.mall import Mall

from shared.clock import ManualClock
from shared.messaging import Outbox

DAY = 86_400


async def reminded(mall: Mall) -> list[str]:
    for _ in range(3):
        await mall.running.tick()
    return [one["coupon_id"] for one in await mall.told("coupon.expiring")]


async def test_the_owner_is_told_once_before_the_end(mall: Mall, clock: ManualClock) -> None:
    template_id = await mall.template(validity={"days_after_claim": 7})
    coupon_id = await mall.claim(template_id)
    clock.advance(seconds=4 * DAY - 1)
    assert await reminded(mall) == []
    clock.advance(seconds=1)
    assert await reminded(mall) == [coupon_id]
    clock.advance(seconds=DAY)
    assert await reminded(mall) == [coupon_id]
    (told,) = await mall.told("coupon.expiring")
    assert (told["template_name"], told["valid_until"]) == ("券", "2026-11-18T02:00:00Z")
    assert len((await mall.coupon(coupon_id))["ledger"]) == 1


async def test_a_template_says_when_or_never(mall: Mall, clock: ManualClock) -> None:
    early = await mall.claim(await mall.template(validity={"days_after_claim": 7, "remind_days_before": 5}))
    await mall.claim(await mall.template(validity={"days_after_claim": 7, "remind_days_before": 0}))
    await mall.claim(await mall.template())  # never ends
    await mall.claim(await mall.template(validity={"days_after_claim": 2}))  # given out within its last days
    clock.advance(seconds=2 * DAY)
    assert await reminded(mall) == [early]
    clock.advance(seconds=3 * DAY)
    assert await reminded(mall) == [early]


async def test_used_coupons_are_not_reminded_of_and_held_ones_wait(mall: Mall, clock: ManualClock) -> None:
    template_id = await mall.template(validity={"days_after_claim": 7})
    used, held, void = [await mall.claim(template_id, customer) for customer in ("c1", "c2", "c3")]
    paid = await mall.checkout("o1", mall.cart(coupons=[used]))
    await mall.end(paid["id"], "commit")
    await mall.http.post(f"/v1/coupons/{void}/void", json={"reason": "x"})
    clock.advance(seconds=4 * DAY - 60)
    await mall.checkout("o2", {**mall.cart(coupons=[held]), "customer_id": "c2"}, ttl_seconds=600)
    clock.advance(seconds=60)
    assert await reminded(mall) == []
    clock.advance(seconds=600)
    assert await reminded(mall) == [held]


async def test_a_sweeper_that_stood_still_sends_nothing_useless(mall: Mall, clock: ManualClock) -> None:
    coupon_id = await mall.claim(await mall.template(validity={"days_after_claim": 7, "remind_days_before": 1}))
    later = await mall.claim(await mall.template(validity={"days_after_claim": 7, "remind_days_before": 5}))
    clock.advance(seconds=7 * DAY - 3600)  # an hour is left of the one, all of a day was to be
    assert await reminded(mall) == []
    assert {(await mall.coupon(one))["status"] for one in (coupon_id, later)} == {"issued"}


async def test_a_reminder_that_was_killed_is_told_once(
    mall: Mall, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    coupon_id = await mall.claim(await mall.template(validity={"days_after_claim": 7}))
    whole = Outbox.publish
    deaths = 2

    async def dies(self: Outbox, tx: object, events: object, **more: object) -> object:
        nonlocal deaths
        answer = await whole(self, tx, events, **more)  # type: ignore[arg-type] # passed through
        if deaths:
            deaths -= 1
            raise ConnectionError("killed before the commit")
        return answer

    monkeypatch.setattr(Outbox, "publish", dies)
    clock.advance(seconds=4 * DAY)
    for _ in range(8):
        await asyncio.gather(mall.running.tick(), return_exceptions=True)
    assert deaths == 0
    assert await reminded(mall) == [coupon_id]
