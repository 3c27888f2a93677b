"""Messages of the order system: the same use cases, once each, and a word on what became of them."""

from datetime import timedelta

import pytest
from api.coupon.mall import Json, Mall

from shared.clock import ManualClock
from shared.contracts import OrderCancelled, OrderCompleted, OrderPaid, OrderRefunded, RefundedLine
from shared.observability.outages import Seldom


async def log(mall: Mall, **filters: str) -> list[tuple[str, str, str | None]]:
    """Name, outcome and code of the messages, oldest first."""
    found = (await mall.http.get("/v1/order-messages", params=filters)).json()["data"]
    return [(one["name"], one["outcome"], one["code"]) for one in reversed(found)]


async def status(mall: Mall, checkout: Json) -> str:
    return str((await mall.http.get(f"/v1/checkouts/{checkout['id']}")).json()["status"])


async def test_paid_and_refunded_orders(mall: Mall) -> None:
    coupon_id = await mall.claim(await mall.template(500))
    checkout = await mall.checkout("o1", mall.cart(2_000, 2))
    await mall.send(OrderPaid(order_id="o1"), OrderPaid(order_id="o1"))
    assert await status(mall, checkout) == "committed"
    one = OrderRefunded(order_id="o1", refund_id="r1", lines=(RefundedLine(line_id="1", quantity=1),))
    await mall.send(one, message_id="m1")
    await mall.send(one, message_id="m1")
    await mall.send(one, message_id="m2")
    await mall.send(OrderRefunded(order_id="o1", refund_id="r2"))
    refunds = (await mall.http.get(f"/v1/checkouts/{checkout['id']}/refunds")).json()["data"]
    assert [(refund["refund_id"], refund["amount"]) for refund in refunds] == [("r2", 1_750), ("r1", 1_750)]
    assert (await mall.coupon(coupon_id))["status"] == "issued"
    assert await log(mall, order_id="o1") == [
        ("order.paid", "done", None),
        ("order.paid", "nothing", "already_committed"),
        ("order.refunded", "done", None),
        ("order.refunded", "nothing", "already_refunded"),
        ("order.refunded", "done", None),
    ]
    assert await mall.audit() == {}


async def test_cancelled_orders(mall: Mall) -> None:
    coupon_id = await mall.claim(await mall.template(500))
    checkout = await mall.checkout("o1")
    await mall.send(OrderCancelled(order_id="o1"), OrderCancelled(order_id="o1"), OrderPaid(order_id="o1"))
    assert await status(mall, checkout) == "rolled_back"
    assert (await mall.coupon(coupon_id))["status"] == "issued"
    paid = await mall.checkout("o2")
    await mall.send(OrderPaid(order_id="o2"), OrderCancelled(order_id="o2"))
    assert await status(mall, paid) == "committed"
    assert await log(mall) == [
        ("order.cancelled", "done", None),
        ("order.cancelled", "nothing", "already_rolled_back"),
        ("order.paid", "refused", "checkout_rolled_back"),
        ("order.paid", "done", None),
        ("order.cancelled", "nothing", "refund_instead"),
    ]
    assert await log(mall, outcome="refused") == [("order.paid", "refused", "checkout_rolled_back")]
    assert await mall.audit() == {}


async def test_messages_in_the_wrong_order_lose_nothing(mall: Mall) -> None:
    """That an order was completed or refunded says that it was paid."""
    await mall.promotion(benefit={"kind": "cash_back", "amount": 300})
    await mall.checkout("o1")
    await mall.send(OrderCompleted(order_id="o1"), OrderPaid(order_id="o1"), OrderCompleted(order_id="o1"))
    await mall.checkout("o2")
    await mall.send(OrderRefunded(order_id="o2", refund_id="r1"))
    assert [one["status"] for one in (await mall.http.get("/v1/cash-back")).json()["data"]] == ["cancelled", "issued"]
    assert await log(mall) == [
        ("order.completed", "done", None),
        ("order.paid", "nothing", "already_committed"),
        ("order.completed", "nothing", "nothing_promised"),
        ("order.refunded", "done", None),
    ]
    assert await mall.audit() == {}


async def test_what_is_refused_changes_nothing_and_holds_nobody_up(mall: Mall) -> None:
    checkout = await mall.checkout("o1")
    wrong = OrderRefunded(order_id="o1", refund_id="r1", lines=(RefundedLine(line_id="9", quantity=1),))
    await mall.send(wrong, OrderPaid(order_id="none"), OrderPaid(order_id="o1"))
    assert await log(mall) == [
        ("order.refunded", "refused", "unknown_line"),
        ("order.paid", "unmatched", "no_checkout"),
        ("order.paid", "done", None),
    ]
    assert await status(mall, checkout) == "committed"
    found = (await mall.http.get("/v1/order-messages?outcome=refused")).json()["data"][0]
    assert (await mall.http.get(f"/v1/order-messages/{found['id']}")).json() == found
    assert (await mall.http.get("/v1/order-messages/omg_none")).status_code == 404
    shopper = mall.running.client(customer_id="c1")
    assert (await shopper.get("/v1/order-messages")).status_code == 403
    assert await mall.audit() == {}


async def test_an_order_that_nobody_knows_leaves_a_trace_for_a_month(mall: Mall, clock: ManualClock) -> None:
    await mall.send(OrderPaid(order_id="typo-1"), message_id="m1")
    await mall.send(OrderPaid(order_id="typo-1"), message_id="m1")
    coupon_id = await mall.claim(await mall.template(500))
    await mall.checkout("o1")
    await mall.send(OrderPaid(order_id="o1", owner_id="own_another"), OrderPaid(order_id="o1"))
    assert await log(mall, outcome="unmatched") == [("order.paid", "unmatched", "no_checkout")] * 2
    assert [one[1] for one in await log(mall, order_id="o1")] == ["unmatched", "done"]
    details = [one["detail"] for one in (await mall.http.get("/v1/order-messages?outcome=unmatched")).json()["data"]]
    assert details == [
        "No checkout of the owner own_another has the order id o1.",
        "No checkout of the owner own_merchant has the order id typo-1.",
    ]
    assert (await mall.coupon(coupon_id))["status"] == "redeemed"
    for days, left in ((29, 2), (2, 0)):
        clock.advance(timedelta(days=days))
        await mall.running.service.tick()
        assert len(await log(mall, outcome="unmatched")) == left
    assert [one[1] for one in await log(mall, order_id="o1")] == ["done"], "what had an effect stays"


async def test_orders_without_coupons_do_not_flood_the_log(mall: Mall, monkeypatch: pytest.MonkeyPatch) -> None:
    seldom_told: list[str] = []
    monkeypatch.setattr(Seldom, "info", lambda _, event, **fields: seldom_told.append(fields["order_id"]))
    await mall.send(*(OrderPaid(order_id=f"none-{number}") for number in range(20)))
    assert len(await log(mall, outcome="unmatched")) == len(seldom_told) == 20, "each can be looked up"
