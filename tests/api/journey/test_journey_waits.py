"""Waits, races, exits, goals (F6 F11 F12 F14 F23)."""

import asyncio
from datetime import timedelta
from typing import Any

from kit.journeys import JourneyShop, reasons
from sqlalchemy import func, select

from services.journey.engine.models import WaitRow
from services.journey.engine.worker import TimerWorker
from shared.contracts import EventsTracked

EXITS = {"x": {"kind": "exit"}, "y": {"kind": "exit"}}


def wait_for(**more: Any) -> dict[str, Any]:
    return {
        "name": "wait for",
        "entry": {"kind": "event", "event": "A", "reentry": {"mode": "always"}},
        "nodes": {"w": {"kind": "wait_for", "event": "E", "timeout": "1h"}, **EXITS},
        "edges": [["entry", "w"], ["w", "event", "x"], ["w", "timeout", "y"]],
        **more,
    }


def timers(shop: JourneyShop) -> TimerWorker:
    """The engine's timers, to be driven step by step."""
    tick: Any = next(loop for loop in shop.running.service.loops if loop.name == "step due runs").tick
    found: TimerWorker = tick.__self__
    return found


async def test_f11_f6_an_event_between_claim_and_commit_beats_the_timeout(start_shop: Any) -> None:
    """The timer's worker has decided for the timeout; the event commits first; the worker's fence fails."""
    shop = await start_shop()
    await stop_loops(shop)
    journey = await shop.publish_journey(wait_for())
    await shop.track("A")
    shop.clock.advance(timedelta(hours=1))
    worker = timers(shop)
    claimed = await worker.claim()
    assert len(claimed) == 1
    await shop.track("E")
    await worker.work(claimed)
    run = await shop.run(journey)
    assert (run["node_id"], reasons(run)) == ("x", ["entered", "waiting_event", "event_came", "exit_node"])
    await shop.sound()


async def test_f11_a_timeout_that_commits_first_leaves_nothing_for_the_event(start_shop: Any) -> None:
    shop = await start_shop()
    await stop_loops(shop)
    journey = await shop.publish_journey(wait_for())
    await shop.track("A")
    await shop.pass_time(hours=1)
    await shop.track("E")
    run = await shop.run(journey)
    assert (run["node_id"], reasons(run)) == ("y", ["entered", "waiting_event", "timed_out", "exit_node"])
    await shop.sound()


async def test_f11_events_and_timeouts_at_once_one_branch_each(shop: JourneyShop) -> None:
    journey = await shop.publish_journey(wait_for())
    customers = [f"c{number}" for number in range(40)]
    await shop.publish(EventsTracked(events=tuple(shop.event("A", one) for one in customers)))
    shop.clock.advance(timedelta(hours=1))
    packs = [shop.pack(EventsTracked(events=(shop.event("E", one),))) for one in customers]
    await asyncio.gather(shop.running.tick(), shop.running.bus.publish(packs), shop.running.tick())
    await shop.running.drain()
    await shop.rest()
    runs = await shop.runs(journey)
    assert len(runs) == 40
    for run in runs:
        ways = [step["reason"] for step in run["steps"] if step["node_id"] == "w" and step["port"]]
        assert ways in (["event_came"], ["timed_out"])
        assert run["state"] == "completed"


async def test_f6_a_lost_lease_is_taken_over_and_the_late_worker_changes_nothing(start_shop: Any) -> None:
    shop = await start_shop(timer_lease_seconds=5)
    await stop_loops(shop)
    journey = await shop.publish_journey(wait_for())
    await shop.track("A")
    shop.clock.advance(timedelta(hours=1))
    slow, quick = timers(shop), timers(shop)
    stale = await slow.claim()
    assert await quick.claim() == [], "a lease keeps others away"
    shop.clock.advance(timedelta(seconds=6))
    await quick.work(await quick.claim())
    await slow.work(stale)
    run = await shop.run(journey)
    assert reasons(run) == ["entered", "waiting_event", "timed_out", "exit_node"]
    await shop.sound()


async def test_f23_a_worker_killed_after_its_claim_loses_nothing(start_shop: Any) -> None:
    shop = await start_shop(timer_lease_seconds=5)
    await stop_loops(shop)
    journey = await shop.publish_journey(wait_for())
    await shop.track("A")
    shop.clock.advance(timedelta(hours=1))
    await timers(shop).claim()  # and the worker is gone
    await shop.rest()
    assert (await shop.run(journey))["state"] == "waiting"
    await shop.pass_time(seconds=6)
    assert (await shop.run(journey))["node_id"] == "y"
    await shop.sound()


async def test_f11_an_event_before_the_wait_counts_with_since_entry(shop: JourneyShop) -> None:
    nodes = {
        "first": {"kind": "wait", "for": "10m"},
        "w": {"kind": "wait_for", "event": "E", "timeout": "1h", "since_entry": True},
        **EXITS,
    }
    edges = [["entry", "first"], ["first", "w"], ["w", "event", "x"], ["w", "timeout", "y"]]
    journey = await shop.publish_journey(wait_for(nodes=nodes, edges=edges))
    await shop.track("A", "early")
    await shop.track("A", "late")
    await shop.track("A", "none")
    await shop.track("E", "early")
    await shop.pass_time(minutes=10)
    await shop.track("E", "late")
    await shop.pass_time(hours=1)
    ends = {run["customer_id"]: (run["node_id"], reasons(run)[-2]) for run in await shop.runs(journey)}
    assert ends == {"early": ("x", "event_since_entry"), "late": ("x", "event_came"), "none": ("y", "timed_out")}


async def test_f11_without_since_entry_an_earlier_event_does_not_count(shop: JourneyShop) -> None:
    nodes = {"first": {"kind": "wait", "for": "10m"}, "w": {"kind": "wait_for", "event": "E", "timeout": "1h"}, **EXITS}
    edges = [["entry", "first"], ["first", "w"], ["w", "event", "x"], ["w", "timeout", "y"]]
    journey = await shop.publish_journey(wait_for(nodes=nodes, edges=edges))
    await shop.track("A")
    await shop.track("E")
    await shop.pass_time(minutes=10)
    assert (await shop.run(journey))["state"] == "waiting"
    await shop.pass_time(hours=1)
    assert (await shop.run(journey))["node_id"] == "y"


async def test_f12_a_wait_sees_its_own_run_only(shop: JourneyShop) -> None:
    """Neither events of others, nor those older than the run, nor what the last run saw."""
    journey = await shop.publish_journey(wait_for())
    await shop.track("A")
    await shop.track("E", "c2")
    await shop.track("E", at=shop.clock.now() - timedelta(minutes=5))
    assert (await shop.run(journey))["state"] == "waiting"
    await shop.track("E")
    assert (await shop.run(journey))["node_id"] == "x"
    await shop.pass_time(minutes=1)
    await shop.track("A")
    assert [run["state"] for run in await shop.runs(journey)] == ["completed", "waiting"]


async def test_one_ingestion_batch_is_taken_in_the_order_of_its_times(shop: JourneyShop) -> None:
    journey = await shop.publish_journey(wait_for())
    now = shop.clock.now()
    batch = [
        shop.event("E", at=now + timedelta(seconds=2)),
        shop.event("A", at=now + timedelta(seconds=3)),
        shop.event("A", at=now + timedelta(seconds=1)),
    ]
    await shop.publish(EventsTracked(events=tuple(batch)))
    assert [run["state"] for run in await shop.runs(journey)] == ["completed", "waiting"]


async def test_exit_at_any_time(shop: JourneyShop) -> None:
    await shop.knows(templates=["tpl_1"])
    nodes = {"w": {"kind": "wait", "for": "1h"}, "c": {"kind": "issue_coupon", "template_id": "tpl_1"}}
    edges = [["entry", "w"], ["w", "c"]]
    journey = await shop.publish_journey(wait_for(nodes=nodes, edges=edges, exit_on=[{"event": "E"}]))
    await shop.track("A", "c1")
    await shop.track("E", "c1")
    await shop.track("A", "c2")
    await shop.pass_time(hours=1)
    await shop.track("E", "c2")
    ends = {run["customer_id"]: (run["state"], run["node_id"]) for run in await shop.runs(journey)}
    assert ends == {"c1": ("exited", "w"), "c2": ("exited", "c")}
    late = shop.asked("journey.coupon_requested")[0]["reference"]
    await shop.publish(shop.coupon(late, "c2"))
    found = next(run for run in await shop.runs(journey) if run["customer_id"] == "c2")
    assert (found["state"], found["effects"][0]["status"]) == ("exited", "sent"), "the ledger knows of the late coupon"


async def test_exit_with_a_key_needs_the_key(shop: JourneyShop) -> None:
    entry = {"kind": "event", "event": "A", "key": "cart", "reentry": {"mode": "once_per_key"}}
    definition = wait_for(entry=entry, exit_on=[{"event": "E", "match_key": True}])
    definition["nodes"]["w"]["event"] = "Other"
    journey = await shop.publish_journey(definition)
    await shop.track("A", cart="1")
    await shop.track("A", cart="2")
    await shop.track("E", cart="1")
    await shop.track("E")
    assert {run["entry_key"]: run["state"] for run in await shop.runs(journey)} == {"1": "exited", "2": "waiting"}


async def test_f14_a_purchase_between_wake_and_send_suppresses_the_send(start_shop: Any) -> None:
    shop = await start_shop()
    await stop_loops(shop)
    message = await shop.template("buy!")
    nodes = {"w": {"kind": "wait", "for": "1h"}, "m": {"kind": "send", "channel": "inbox", "template_id": message}}
    definition = wait_for(nodes=nodes, edges=[["entry", "w"], ["w", "m"]], exit_on=[{"event": "Order Completed"}])
    journey = await shop.publish_journey(definition)
    await shop.track("A")
    shop.clock.advance(timedelta(hours=1))
    worker = timers(shop)
    awake = await worker.claim()
    await shop.track("Order Completed")
    await worker.work(awake)
    assert await shop.inbox() == []
    assert (await shop.run(journey))["state"] == "exited"
    await shop.sound()


async def test_a_goal_counts_once_and_in_its_time(shop: JourneyShop) -> None:
    journey = await shop.publish_journey(wait_for(goal={"event": "Order Completed", "within": "2h"}))
    for customer in ("in", "twice", "late"):
        await shop.track("A", customer)
    await shop.pass_time(minutes=90)
    await shop.track("Order Completed", "in")
    await shop.track("Order Completed", "twice")
    await shop.track("Order Completed", "twice")
    await shop.pass_time(hours=1)
    await shop.track("Order Completed", "late")
    figures = await shop.statistics(journey)
    assert figures["goals_reached"] == 2
    assert figures["nodes"]["y"]["goals"] == 2
    assert {run["customer_id"]: run["goal_at"] is not None for run in await shop.runs(journey)} == {
        "in": True, "twice": True, "late": False,
    }  # fmt: skip


async def test_goals_that_came_too_late_are_forgotten(shop: JourneyShop) -> None:
    """A day after the goal's time nothing waits for it any more; until then a late message still finds its run."""
    goal = {"event": "Order Completed", "within": "1h"}
    await shop.publish_journey(wait_for(goal=goal))
    await shop.track("A")

    async def goals() -> int:
        async with shop.running.service.kit.db.read() as tx:
            return int(await tx.scalar(select(func.count()).where(WaitRow.c.kind == "goal")))

    await shop.pass_time(hours=24)
    assert await goals() == 1
    await shop.pass_time(hours=2)
    assert await goals() == 0


async def test_f29_the_holdout_gets_nothing_and_its_goal_counts(shop: JourneyShop) -> None:
    message = await shop.template("hello")
    nodes = {"m": {"kind": "send", "channel": "inbox", "template_id": message}}
    goal = {"event": "Order Completed", "within": "1d"}
    definition = wait_for(nodes=nodes, edges=[["entry", "m"]], holdout_bp=10_000, goal=goal)
    journey = await shop.publish_journey(definition)
    await shop.track("A")
    await shop.track("Order Completed")
    run = await shop.run(journey)
    assert (run["reason"], run["goal_at"] is not None) == ("holdout", True)
    assert await shop.inbox() == []


async def stop_loops(shop: JourneyShop) -> None:
    """Only what the test drives itself moves runs."""
    names = {f"journey {name}" for name in ("step due runs", "sweep runs", "send webhook messages")}
    for task in asyncio.all_tasks():
        if task.get_name() in names:
            task.cancel()
    await asyncio.sleep(0)
