"""Coupons, branches, splits, messages: each effect once (F30 F36), poison failed (F7), crashes survived."""

from collections import Counter
from contextlib import suppress
from typing import Any

import pytest
from kit.journeys import JourneyShop, reasons
from sqlalchemy import text, update

from services.journey.engine.advancing import Advancer
from services.journey.engine.models import RunRow
from shared.contracts import CouponIssueRefused, EventsTracked
from shared.messaging import Outbox

X = {"x": {"kind": "exit"}}


def journey(nodes: dict[str, Any], *edges: list[str], **more: Any) -> dict[str, Any]:
    entry = {"kind": "event", "event": "A", "reentry": {"mode": "always"}}
    return {"name": "j", "entry": entry, "nodes": nodes, "edges": [list(edge) for edge in edges], **more}


async def coupon_journey(shop: JourneyShop, **more: Any) -> str:
    await shop.knows(templates=["tpl_1"])
    message = await shop.template("{{ coupon.code }}")
    nodes = {
        "c": {"kind": "issue_coupon", "template_id": "tpl_1"},
        "m": {"kind": "send", "channel": "inbox", "template_id": message},
        **X,
    }
    return await shop.publish_journey(journey(nodes, ["entry", "c"], ["c", "m"], ["c", "error", "x"], **more))


async def test_silence_is_asked_again_and_answers_may_repeat(shop: JourneyShop) -> None:
    drawn = await coupon_journey(shop)
    await shop.track("A")
    await shop.pass_time(seconds=31)
    await shop.pass_time(seconds=31)
    await shop.pass_time(seconds=31)
    wanted = shop.asked("journey.coupon_requested")
    assert len(wanted) == 3
    assert len({one["reference"] for one in wanted}) == 1
    for _ in range(3):
        await shop.publish(shop.coupon(wanted[0]["reference"]))
    run = await shop.run(drawn)
    assert [(effect["kind"], effect["status"]) for effect in run["effects"]] == [
        ("coupon", "sent"),
        ("message", "sent"),
    ]
    assert run["effects"][0]["provider_ref"] == "cpn_1"
    assert len(await shop.inbox()) == 1


async def test_a_refused_coupon_goes_by_the_error_port_and_says_why(shop: JourneyShop) -> None:
    drawn = await coupon_journey(shop)
    await shop.track("A")
    reference = shop.asked("journey.coupon_requested")[0]["reference"]
    await shop.publish(
        CouponIssueRefused(
            reference=reference, template_id="tpl_1", customer_id="c1", code="sold_out", detail="none left"
        )
    )
    run = await shop.run(drawn)
    assert (run["node_id"], reasons(run)[-2:]) == ("x", ["sold_out", "exit_node"])
    assert (run["effects"][0]["status"], run["effects"][0]["reason"]) == ("failed", "sold_out")


async def test_coupons_of_others_and_unknown_references_are_none_of_ours(shop: JourneyShop) -> None:
    drawn = await coupon_journey(shop)
    await shop.track("A")
    await shop.publish(shop.coupon(None))
    await shop.publish(shop.coupon("somebody:else:1"))
    await shop.answer_rule("run_none:b:1", matches=True)
    assert (await shop.run(drawn))["state"] == "waiting_answer"


async def test_a_branch_goes_by_the_answer(shop: JourneyShop) -> None:
    nodes = {
        "b": {"kind": "branch", "rule": {"trait": "city", "op": "eq", "value": "上海"}},
        **X,
        "y": {"kind": "exit"},
    }
    drawn = await shop.publish_journey(journey(nodes, ["entry", "b"], ["b", "yes", "x"], ["b", "no", "y"]))
    for customer, matches, error in (("yes", True, None), ("no", False, None), ("bad", False, "no such trait")):
        await shop.track("A", customer)
        await shop.answer_rule(shop.asked("journey.rule_asked")[-1]["reference"], matches, customer, error)
    ends = {run["customer_id"]: (run["node_id"], reasons(run)[-2]) for run in await shop.runs(drawn)}
    assert ends == {
        "yes": ("x", "rule_matched"), "no": ("y", "rule_not_matched"), "bad": ("b", "rule_error"),
    }  # fmt: skip


async def test_f28_a_split_is_sticky_over_reentry_and_edits(shop: JourneyShop) -> None:
    variants = [{"name": "A", "share_bp": 5000}, {"name": "B", "share_bp": 5000}]
    definition = journey({"s": {"kind": "split", "variants": variants}}, ["entry", "s"])
    drawn = await shop.publish_journey(definition)
    customers = [f"c{number}" for number in range(50)]
    for _ in range(2):
        await shop.publish(EventsTracked(events=tuple(shop.event("A", one) for one in customers)))
        await shop.api.put(f"/v1/journeys/{drawn}", json=definition)
        await shop.api.post(f"/v1/journeys/{drawn}/publish")
        await shop.pass_time(seconds=1)
    edges = {edge["port"]: edge["count"] for edge in (await shop.statistics(drawn))["edges"] if edge["source"] == "s"}
    assert edges["A"] + edges["B"] == 100
    assert 10 < edges["A"] < 90
    answer = await shop.api.get(f"/v1/journeys/{drawn}/runs", params={"customer_id": "c1"})
    arms: Counter[str] = Counter()
    for row in answer.json()["data"]:
        steps = (await shop.api.get(f"/v1/journey-runs/{row['id']}")).json()["steps"]
        arms[next(step["port"] for step in steps if step["node_id"] == "s")] += 1
    assert list(arms.values()) == [2]


async def test_f36_a_template_that_fails_spoils_its_own_customer_only(shop: JourneyShop) -> None:
    message = await shop.template("{{ event.amount | divided_by: event.parts }}")
    nodes = {"m": {"kind": "send", "channel": "inbox", "template_id": message}, **X}
    drawn = await shop.publish_journey(journey(nodes, ["entry", "m"], ["m", "error", "x"]))
    events = [shop.event("A", "good", amount=10, parts=2), shop.event("A", "bad", amount=10, parts=0)]
    await shop.publish(EventsTracked(events=tuple(events)))
    ends = {run["customer_id"]: reasons(run)[1] for run in await shop.runs(drawn)}
    assert ends == {"good": "sent", "bad": "template_failed"}
    ledger = (await shop.api.get("/v1/messages", params={"customer_id": "bad"})).json()["data"]
    assert ledger[0]["status"] == "failed"
    assert ledger[0]["reason"].startswith("template_failed: ")
    assert (await shop.api.get(f"/v1/messages/{ledger[0]['id']}")).json() == ledger[0]
    assert [one["customer_id"] for one in shop.asked("message.failed")] == ["bad"]


async def test_f7_a_poison_run_is_failed_and_its_neighbours_go_on(shop: JourneyShop) -> None:
    drawn = await shop.publish_journey(journey({"w": {"kind": "wait", "for": "1h"}}, ["entry", "w"]))
    for customer in ("good", "poison", "fine"):
        await shop.track("A", customer)
    async with shop.running.service.kit.db.write() as tx:
        mine = RunRow.c.customer_id == "poison"
        await tx.execute(update(RunRow.table).where(mine).values(node_id="gone"))
    await shop.pass_time(hours=1)
    states = {run["customer_id"]: run["state"] for run in await shop.runs(drawn)}
    assert states == {"good": "completed", "poison": "waiting", "fine": "completed"}
    for _ in range(4):
        await shop.pass_time(minutes=5)
    found = next(run for run in await shop.runs(drawn) if run["customer_id"] == "poison")
    assert (found["state"], found["reason"]) == ("failed", "poison")
    assert "no node 'gone'" in found["steps"][-1]["detail"]["error"]
    assert [one["reason"] for one in shop.asked("journey.exited")] == ["poison"]
    await shop.rest()  # folds the counts
    async with shop.running.service.kit.db.write() as tx:  # mend what the test itself broke in the figures
        await tx.execute(text("UPDATE counter SET node_id = 'w' WHERE node_id = 'gone'"))


async def test_f7_a_run_that_the_database_refuses_is_failed_too(
    shop: JourneyShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch that cannot be written is written one by one; what still cannot is given up, with its reason."""
    drawn = await shop.publish_journey(journey({"w": {"kind": "wait", "for": "1h"}}, ["entry", "w"]))
    for customer in ("good", "poison"):
        await shop.track("A", customer)
    bad = next(run["id"] for run in await shop.runs(drawn) if run["customer_id"] == "poison")
    advance = Advancer.advance

    async def refuse(self: Any, tx: Any, jobs: Any, now: Any) -> int:
        done = await advance(self, tx, jobs, now)
        if any(job.before.id == bad for job in jobs):
            raise RuntimeError("after the writes, before the commit")
        return done

    monkeypatch.setattr(Advancer, "advance", refuse)
    await shop.pass_time(hours=1)
    for _ in range(5):
        await shop.pass_time(minutes=6)
    states = {run["customer_id"]: (run["state"], run["reason"]) for run in await shop.runs(drawn)}
    assert states == {"good": ("completed", "path_end"), "poison": ("failed", "poison")}


async def test_a_kill_before_the_commit_repeats_nothing(shop: JourneyShop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process dies with everything written and nothing committed: at the event, at the timer, at the answer."""
    await shop.knows(templates=["tpl_1"])
    message = await shop.template("hi")
    nodes = {
        "w": {"kind": "wait", "for": "1h"},
        "c": {"kind": "issue_coupon", "template_id": "tpl_1"},
        "m": {"kind": "send", "channel": "inbox", "template_id": message},
    }
    drawn = await shop.publish_journey(journey(nodes, ["entry", "w"], ["w", "c"], ["c", "m"]))
    publish, deaths = Outbox.publish, []

    async def dies_once(self: Any, tx: Any, events: Any, **more: Any) -> Any:
        done = await publish(self, tx, events, **more)
        names = {event.name for event in events}
        if names & {"journey.entered", "journey.coupon_requested", "message.sent"} and names not in deaths:
            deaths.append(names)
            raise ConnectionResetError("killed before the commit")
        return done

    monkeypatch.setattr(Outbox, "publish", dies_once)
    await shop.track("A")
    await shop.pass_time(seconds=2)
    with suppress(ConnectionResetError):
        await shop.pass_time(hours=1)
    assert shop.asked("journey.coupon_requested") == []
    await shop.pass_time(seconds=31)  # the lease of the dead
    reference = shop.asked("journey.coupon_requested")[0]["reference"]
    await shop.publish(shop.coupon(reference))
    await shop.pass_time(seconds=2)
    assert len(deaths) == 3
    run = await shop.run(drawn)
    assert reasons(run) == ["entered", "waiting", "waited", "asked", "coupon_issued", "sent", "path_end"]
    assert len(await shop.inbox()) == 1
    assert len(shop.asked("journey.entered")) == len(shop.asked("message.sent")) == 1
