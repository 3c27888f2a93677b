"""The main story: an abandoned cart is won back (弃购挽回)."""

from typing import Any

from kit.journeys import JourneyShop, reasons


def abandoned_cart(message_id: str, **more: Any) -> dict[str, Any]:
    return {
        "name": "弃购挽回",
        "entry": {"kind": "event", "event": "Product Added", "key": "cart_id", "reentry": {"mode": "once_per_key"}},
        "exit_on": [{"event": "Order Completed"}],
        "goal": {"event": "Order Completed", "within": "3d"},
        "nodes": {
            "w": {"kind": "wait_for", "event": "Order Completed", "match_key": True, "timeout": "1h"},
            "b": {"kind": "branch", "rule": {"segment": "seg_1"}},
            "c": {"kind": "issue_coupon", "template_id": "tpl_1"},
            "m": {"kind": "send", "channel": "inbox", "template_id": message_id},
            "x": {"kind": "exit"},
        },
        "edges": [
            ["entry", "w"], ["w", "timeout", "b"], ["w", "event", "x"], ["b", "yes", "c"], ["b", "no", "x"],
            ["c", "m"], ["m", "x"],
        ],
        **more,
    }  # fmt: skip


async def drawn(shop: JourneyShop, **more: Any) -> str:
    await shop.knows(templates=["tpl_1"], segments=["seg_1"])
    message = await shop.template(
        "{{customer.name}}, {{coupon.code}} for cart {{event.cart_id}}", subject="{{ journey.name }}"
    )
    return await shop.publish_journey(abandoned_cart(message, **more))


async def test_the_abandoned_cart_gets_its_coupon_and_message_once(shop: JourneyShop) -> None:
    journey = await drawn(shop)
    await shop.identify("c1", name="小明")
    await shop.track("Product Added", cart_id="k1")
    run = await shop.run(journey)
    assert (run["state"], run["node_id"], run["entry_key"]) == ("waiting", "w", "k1")
    assert shop.asked("journey.entered")[0]["reason"] == "event"

    await shop.pass_time(minutes=59)
    assert shop.asked("journey.rule_asked") == []
    await shop.pass_time(minutes=1)
    question = shop.asked("journey.rule_asked")
    assert [(one["customer_id"], one["rule"]) for one in question] == [("c1", {"segment": "seg_1"})]

    await shop.answer_rule(question[0]["reference"], matches=True)
    wanted = shop.asked("journey.coupon_requested")
    assert [(one["template_id"], one["customer_id"]) for one in wanted] == [("tpl_1", "c1")]

    await shop.publish(shop.coupon(wanted[0]["reference"]))
    run = await shop.run(journey)
    assert (run["state"], run["reason"]) == ("completed", "exit_node")
    assert reasons(run) == [
        "entered", "waiting_event", "timed_out", "asked", "rule_matched", "asked", "coupon_issued", "sent", "exit_node",
    ]  # fmt: skip
    assert [(effect["kind"], effect["status"]) for effect in run["effects"]] == [
        ("rule", "sent"), ("coupon", "sent"), ("message", "sent"),
    ]  # fmt: skip
    message = (await shop.inbox())[0]
    assert (message["subject"], message["body"]) == ("弃购挽回", "小明, CODE1 for cart k1")
    assert [one["channel"] for one in shop.asked("message.sent")] == ["inbox"]
    assert [one["reason"] for one in shop.asked("journey.completed")] == ["exit_node"]

    await shop.track("Order Completed", cart_id="k1")
    run = await shop.run(journey)
    assert run["goal_at"] is not None
    assert run["state"] == "completed", "a goal after the end counts and ends nothing"
    figures = await shop.statistics(journey)
    assert (figures["entered"], figures["completed"], figures["goals_reached"], figures["in_flight"]) == (1, 1, 1, 0)
    assert {"source": "w", "port": "timeout", "to": "b", "count": 1} in figures["edges"]


async def test_who_buys_in_time_gets_nothing_and_counts_as_goal(shop: JourneyShop) -> None:
    journey = await drawn(shop)
    await shop.track("Product Added", cart_id="k1")
    await shop.pass_time(minutes=30)
    await shop.track("Order Completed", cart_id="k1")
    run = await shop.run(journey)
    assert (run["state"], run["reason"]) == ("exited", "exit_event")
    assert reasons(run) == ["entered", "waiting_event", "goal_reached", "exit_event"]
    assert [(one["reason"], one["goal_reached"]) for one in shop.asked("journey.exited")] == [("exit_event", True)]
    await shop.pass_time(hours=2)
    assert shop.asked("journey.rule_asked") == []


async def test_the_keyed_wait_takes_the_event_port_when_nothing_ends_the_run(shop: JourneyShop) -> None:
    journey = await drawn(shop, exit_on=[])
    await shop.track("Product Added", cart_id="k1")
    await shop.track("Order Completed", cart_id="other")
    assert (await shop.run(journey))["state"] == "waiting"
    await shop.track("Order Completed")
    assert (await shop.run(journey))["state"] == "waiting", "an event without the key is no match"
    await shop.track("Order Completed", "c2", cart_id="k1")
    assert (await shop.run(journey))["state"] == "waiting", "another customer's event is no match (F12)"
    await shop.track("Order Completed", None, cart_id="k1")
    run = await shop.run(journey)
    assert (run["state"], reasons(run)[-2:]) == ("completed", ["event_came", "exit_node"])


async def test_a_numeric_key_is_the_same_as_its_text(shop: JourneyShop) -> None:
    journey = await drawn(shop, exit_on=[])
    await shop.track("Product Added", cart_id=17)
    await shop.track("Order Completed", cart_id="17")
    assert (await shop.run(journey))["state"] == "completed"


async def test_an_event_without_the_entry_key_starts_nothing(shop: JourneyShop) -> None:
    journey = await drawn(shop)
    for value in (None, True, {"a": 1}, "", "x" * 300):
        await shop.track("Product Added", cart_id=value)
    await shop.track("Product Added", None, cart_id="k1")
    assert await shop.runs(journey) == []
