"""For whom an offer is: tiers, new customers and first orders, learnt from messages and from our own checkouts."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from api.coupon.mall import Json, Mall

from shared.clock import ManualClock
from shared.contracts import EventsTracked, TrackedEvent


class Told:
    """Sends tracked events as the segments service would."""

    def __init__(self, mall: Mall, clock: ManualClock) -> None:
        self._mall = mall
        self._clock = clock
        self._number = 0

    def event(self, kind: str, customer_id: str = "c1", days_ago: int = 0, **more: Any) -> TrackedEvent:
        self._number += 1
        at = self._clock.now() - timedelta(days=days_ago)
        body = {"message_id": f"m{self._number}", "type": kind, "timestamp": at, "received_at": self._clock.now()}
        return TrackedEvent(customer_id=customer_id, **body, **more)

    async def identify(self, customer_id: str = "c1", days_ago: int = 0, **traits: Any) -> None:
        await self.send(self.event("identify", customer_id, days_ago, traits=traits))

    async def order(self, order_id: str, customer_id: str = "c1", **more: Any) -> None:
        properties = {"order_id": order_id}
        await self.send(self.event("track", customer_id, event="Order Completed", properties=properties, **more))

    async def send(self, *events: TrackedEvent) -> None:
        await self._mall.send(EventsTracked(events=events))


@pytest.fixture
def told(mall: Mall, clock: ManualClock) -> Told:
    return Told(mall, clock)


async def refused(mall: Mall, template_id: str, customer_id: str = "c1") -> bool:
    """Whether the claim is refused, for the one reason that there may be."""
    answer = await mall.try_claim(template_id, customer_id)
    assert answer.status_code == 201 or (answer.status_code, answer.json()["code"]) == (403, "not_eligible")
    return answer.status_code == 403


async def reasons(mall: Mall, cart: Json) -> list[str]:
    return [one["code"] for one in (await mall.quote(cart))["rejected"]]


async def test_shoppers_are_not_believed_of_what_money_hangs_on(mall: Mall, told: Told) -> None:
    gold = await mall.template(scope={"tiers": ["gold"]})
    first = await mall.template(scope={"first_order_only": True})
    new = await mall.template(scope={"new_customer_days": 7})
    await told.send(
        told.event("identify", traits={"tier": "gold"}, vouched=False),
        told.event("identify", traits={"createdAt": "2001-01-01"}, days_ago=30, vouched=False),
        told.event("track", event="Order Completed", properties={"order_id": "1"}, vouched=False),
    )
    assert [await refused(mall, one) for one in (gold, first, new)] == [True, False, False]
    await told.identify(tier="gold")
    await told.order("1")
    assert [await refused(mall, one, "c1") for one in (gold, first)] == [False, True]


async def test_tiers_follow_the_newest_word_however_late_others_come(mall: Mall, told: Told) -> None:
    gold = await mall.template(scope={"tiers": ["gold", "黑金"]})
    assert await refused(mall, gold)
    await told.identify(tier="gold", days_ago=1)
    await told.identify(tier="silver", days_ago=2)  # late: an older word changes nothing
    assert not await refused(mall, gold)
    assert (await mall.quote(mall.cart()))["discount"] == 1000
    await told.identify(member_tier="silver")
    assert await refused(mall, gold)
    assert await reasons(mall, mall.cart()) == ["not_eligible"]
    detail = (await mall.quote(mall.cart()))["rejected"][0]["detail"]
    assert "tier" in detail
    await told.identify(city="上海")  # says nothing of the tier
    assert await reasons(mall, mall.cart()) == ["not_eligible"]


async def test_new_customers_are_new_for_so_many_days(mall: Mall, told: Told, clock: ManualClock) -> None:
    template_id = await mall.template(scope={"new_customer_days": 7}, limits={"per_customer": 2})
    assert not await refused(mall, template_id)  # nobody told of this one: new
    await told.send(told.event("page", "c2"))
    await told.identify("c3", createdAt=(clock.now() - timedelta(days=30)).isoformat())
    await told.order("o9", "c4", days_ago=8, history=True)
    assert [await refused(mall, template_id, one) for one in ("c2", "c3", "c4")] == [False, True, True]
    clock.advance(seconds=7 * 86_400)
    assert await refused(mall, template_id, "c2")
    assert await refused(mall, template_id)  # known since the first coupon
    assert await reasons(mall, {**mall.cart(), "customer_id": "c2"}) == ["not_eligible"]


async def test_an_order_that_was_told_of_ends_first_orders(mall: Mall, told: Told) -> None:
    template_id = await mall.template(scope={"first_order_only": True}, limits={"per_customer": 2})
    await mall.claim(template_id)
    assert (await mall.quote(mall.cart()))["discount"] == 1000
    event = told.event("track", event="Order Completed", properties={"order_id": "elsewhere"})
    await told.send(event, event)
    await mall.send(EventsTracked(events=(event,)), message_id="evt_twice")
    await mall.send(EventsTracked(events=(event,)), message_id="evt_twice")
    assert await refused(mall, template_id)
    assert await reasons(mall, mall.cart()) == ["not_eligible"]
    await told.send(told.event("track", "c2", event="Order Refunded", properties={"order_id": "o"}))
    assert not await refused(mall, template_id, "c2")


async def test_first_orders_are_exact_for_our_own_checkouts(mall: Mall, clock: ManualClock) -> None:
    first: Json = {"scope": {"first_order_only": True}}
    mine, other = await mall.claim(await mall.template(**first)), await mall.claim(await mall.template(2000, **first))
    checkout = await mall.checkout("o1", mall.cart(coupons=[mine]), ttl_seconds=60)
    assert (await mall.checkout("o1", mall.cart(coupons=[mine]), ttl_seconds=60))["id"] == checkout["id"]
    blocked = await mall.quote(mall.cart(coupons=[other]))
    assert [(one["coupon_id"], one["code"]) for one in blocked["rejected"]] == [(other, "first_order_held")]
    second = await mall.checkout("o2", mall.cart(coupons=[other]))
    assert second["quote"]["discount"] == 0  # open without it
    await mall.end(checkout["id"], "rollback")
    assert (await mall.quote(mall.cart(coupons=[other])))["discount"] == 2000
    assert (await mall.checkout("o1", mall.cart(coupons=[mine]), ttl_seconds=60))["quote"]["discount"] == 1000
    clock.advance(seconds=61)  # the lock ran out: free again, whether or not a sweeper came by
    assert (await mall.quote(mall.cart(coupons=[other])))["discount"] == 2000
    assert (await mall.end(second["id"], "commit")).status_code == 200
    assert await reasons(mall, mall.cart(coupons=[other])) == ["not_eligible"]
    assert await refused(mall, await mall.template(**first))
    assert await mall.audit() == {}


@pytest.mark.parametrize("again", ["never", "once"])
async def test_a_first_order_that_came_back_whole_is_one_or_may_be_tried_once_more(mall: Mall, again: str) -> None:
    """Buying, giving back and buying again brings one more first order at most, and by default none."""
    scope: Json = {"scope": {"first_order_only": True, "first_order_again": again}}
    coupons = [await mall.claim(await mall.template(1000 + at, **scope)) for at in range(3)]
    discounts = []
    for number in range(3):
        checkout = await mall.checkout(f"o{number}")
        discounts.append(checkout["quote"]["discount"])
        await mall.end(checkout["id"], "commit")
        refund = await mall.refund(checkout["id"])
        used = [lock["coupon_id"] for lock in checkout["locks"]]
        assert refund["coupons_returned"] == (used if again == "once" else [])
    once = again == "once"
    assert [bool(one) for one in discounts] == [True, once, False]
    assert [(await mall.coupon(one))["status"] for one in coupons].count("redeemed") == (0 if once else 3)
    assert await mall.audit() == {}


async def test_goods_or_a_gift_that_are_kept_make_no_customer_new_again(mall: Mall) -> None:
    scope: Json = {"scope": {"first_order_only": True, "first_order_again": "once"}}
    await mall.promotion(benefit={"kind": "gift", "sku": "tote"})
    checkout = await mall.checkout("o1")
    await mall.end(checkout["id"], "commit")
    template_id = await mall.template(**scope)
    await mall.refund(checkout["id"], lines=[{"line_id": "1", "quantity": 1}])
    assert await refused(mall, template_id)
    await mall.refund(checkout["id"])
    assert not await refused(mall, template_id)


async def test_an_order_that_others_tell_of_too_is_back_when_nobody_holds_on_to_it(mall: Mall, told: Told) -> None:
    """Tracking tells of the same order, and of another one: that one was never ours to come back."""
    checkout = await mall.checkout("o1")
    await mall.end(checkout["id"], "commit")
    await mall.refund(checkout["id"])
    scope: Json = {"scope": {"first_order_only": True, "first_order_again": "once"}}
    template_id = await mall.template(**scope)
    await told.send(told.event("track", event="Order Completed", properties={"order_id": "o1"}))
    assert not await refused(mall, template_id)
    await told.send(told.event("track", event="Order Completed", properties={"order_id": "elsewhere"}))
    assert await refused(mall, template_id)


async def test_two_first_orders_at_once_are_one(mall: Mall) -> None:
    coupons = [await mall.claim(await mall.template(scope={"first_order_only": True})) for _ in range(4)]
    checkouts = await asyncio.gather(
        *(mall.checkout(f"o{number}", mall.cart(coupons=[one])) for number, one in enumerate(coupons))
    )
    assert sorted(one["quote"]["discount"] for one in checkouts) == [0, 0, 0, 1000]
    assert await mall.audit() == {}


async def test_a_late_payment_is_no_second_first_order(mall: Mall, clock: ManualClock) -> None:
    first: Json = {"scope": {"first_order_only": True}}
    mine, other = await mall.claim(await mall.template(**first)), await mall.claim(await mall.template(**first))
    late = await mall.checkout("o1", mall.cart(coupons=[mine]), ttl_seconds=60)
    clock.advance(seconds=61)
    newer = await mall.checkout("o2", mall.cart(coupons=[other]))
    assert newer["quote"]["discount"] == 1000
    answer = await mall.end(late["id"], "commit")
    assert (answer.status_code, answer.json()["code"]) == (409, "checkout_expired")
    assert (await mall.end(newer["id"], "commit")).status_code == 200
    assert (await mall.end(late["id"], "commit")).status_code == 409
    assert await mall.audit() == {}
