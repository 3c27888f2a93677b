"""A dry run walks as the engine does, and leaves nothing behind."""

from datetime import timedelta
from typing import Any

from kit.journeys import JourneyShop


def cart(message_id: str) -> dict[str, Any]:
    return {
        "name": "弃购挽回",
        "entry": {"kind": "event", "event": "Product Added", "key": "cart_id", "reentry": {"mode": "once_per_key"}},
        "exit_on": [{"event": "Order Completed"}],
        "goal": {"event": "Order Completed", "within": "3d"},
        "nodes": {
            "w": {"kind": "wait_for", "event": "Order Placed", "match_key": True, "timeout": "1h"},
            "b": {"kind": "branch", "rule": {"segment": "seg_1"}},
            "c": {"kind": "issue_coupon", "template_id": "tpl_1"},
            "m": {"kind": "send", "channel": "inbox", "template_id": message_id},
            "n": {"kind": "wait", "for": "1d"},
            "x": {"kind": "exit"},
        },
        "edges": [
            ["entry", "w"], ["w", "timeout", "b"], ["w", "event", "x"], ["b", "yes", "c"], ["b", "no", "x"],
            ["c", "m"], ["m", "n"], ["n", "x"],
        ],
    }  # fmt: skip


async def play(shop: JourneyShop, journey: str, **body: Any) -> dict[str, Any]:
    answer = await shop.api.post(f"/v1/journeys/{journey}/dry-run", json=body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def at(shop: JourneyShop, event: str, cart_id: str | None = "k1", **delta: float) -> dict[str, Any]:
    when = shop.clock.now() + timedelta(**delta)
    return {"event": event, "timestamp": when.isoformat(), "properties": {"cart_id": cart_id} if cart_id else {}}


async def test_the_path_is_walked_with_a_simulated_clock(shop: JourneyShop) -> None:
    message = await shop.template("{{customer.name}} {{coupon.code}} {{event.cart_id}}")
    journey = await shop.draw(cart(message))
    events = [at(shop, "Product Added"), at(shop, "Order Completed", None, hours=2)]
    seen = await play(shop, journey, profile={"name": "小明"}, events=events, facts={"b": True})
    assert [step["reason"] for step in seen["steps"]] == [
        "entered", "waiting_event", "timed_out", "asked", "rule_matched", "asked", "coupon_issued", "sent", "waiting",
        "goal_reached", "exit_event",
    ]  # fmt: skip
    assert [one["body"] for one in seen["messages"]] == ["小明 DRYRUN k1"]
    assert (seen["state"], seen["assumed"], seen["goal_at"] is not None) == ("exited", [], True)
    first, last = seen["steps"][0]["at"], seen["steps"][-1]["at"]
    assert first < last
    assert await shop.runs(journey) == []
    assert await shop.inbox() == []


async def test_a_branch_without_an_answer_is_reported_as_assumed(shop: JourneyShop) -> None:
    journey = await shop.draw(cart(await shop.template("x")))
    seen = await play(shop, journey, customer_id="c1", events=[at(shop, "Product Added")])
    assert (seen["state"], seen["node_id"], seen["assumed"]) == ("completed", "x", ["b"])


async def test_events_and_the_horizon(shop: JourneyShop) -> None:
    journey = await shop.draw(cart(await shop.template("x")))
    added = at(shop, "Product Added")
    seen = await play(shop, journey, events=[added, at(shop, "Order Placed", minutes=5)])
    assert [step["reason"] for step in seen["steps"]][-2:] == ["event_came", "exit_node"]
    until = (shop.clock.now() + timedelta(minutes=30)).isoformat()
    seen = await play(shop, journey, events=[added], until=until)
    assert (seen["state"], seen["node_id"]) == ("waiting", "w")
    seen = await play(shop, journey, events=[at(shop, "Product Added", None)])
    assert (seen["entered"], seen["steps"]) == (False, [])


async def test_it_says_the_same_as_the_engine(shop: JourneyShop) -> None:
    """The same customer, events and answers, played dry and lived through."""
    await shop.knows(templates=["tpl_1"], segments=["seg_1"])
    journey = await shop.publish_journey(cart(await shop.template("x")))
    events = [at(shop, "Product Added"), at(shop, "Order Completed", None, hours=5)]
    dry = await play(shop, journey, customer_id="c1", events=events, facts={"b": True})
    await shop.track("Product Added", cart_id="k1")
    await shop.pass_time(hours=1)
    await shop.answer_rule(shop.asked("journey.rule_asked")[0]["reference"], matches=True)
    await shop.publish(shop.coupon(shop.asked("journey.coupon_requested")[0]["reference"]))
    await shop.pass_time(hours=4)
    await shop.track("Order Completed")
    real = await shop.run(journey)
    assert [(one["node_id"], one["port"], one["reason"]) for one in dry["steps"]] == [
        (one["node_id"], one["port"], one["reason"]) for one in real["steps"]
    ]


async def test_a_definition_that_could_not_be_published_is_refused(shop: JourneyShop) -> None:
    definition = cart(await shop.template("x"))
    definition["nodes"]["lost"] = {"kind": "exit"}
    journey = await shop.draw(definition)
    answer = await shop.api.post(f"/v1/journeys/{journey}/dry-run", json={})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_definition")
    assert answer.json()["errors"][0]["pointer"] == "#/nodes/lost"
    lost = await shop.api.post("/v1/journeys/jny_none/dry-run", json={})
    assert lost.status_code == 404
