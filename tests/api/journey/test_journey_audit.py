"""The audit of journeys: every kind of damage is found and named."""

from datetime import UTC, datetime
from typing import Any

import pytest
from kit.alone import Alone
from kit.damage import found_after
from kit.journeys import JourneyShop
from sqlalchemy import delete, update

from services.journey.actions.models import EffectRow
from services.journey.engine.models import Counter, Enrolment, RunRow, StepLog, WaitRow
from services.journey.inbox.models import InboxMessage

PAST = datetime(2025, 1, 1, tzinfo=UTC)
RUNS, COUNTS = update(RunRow.table), update(Counter.table).values(count=Counter.c.count + 1)
WAITING, ASKING = RunRow.c.state == "waiting", RunRow.c.state == "waiting_answer"
DAMAGE: dict[str, Any] = {
    "no_run_waits_past_its_due_time": RUNS.where(WAITING).values(due_at=PAST),
    "only_paused_journeys_hold_runs": RUNS.where(WAITING).values(due_at=PAST, held=True),
    "no_message_is_planned_in_vain": update(EffectRow.table)
    .where(EffectRow.c.kind == "message")
    .values(status="planned", due_at=PAST),
    "every_waiting_run_has_asked": delete(EffectRow.table).where(EffectRow.c.kind == "coupon"),
    "every_open_question_has_a_run": RUNS.where(ASKING).values(state="waiting"),
    "every_event_wait_belongs_to_a_run_in_flight": RUNS.where(WAITING).values(state="completed", due_at=None),
    "every_event_wait_can_be_found": delete(WaitRow.table),
    "counters_equal_the_step_log": COUNTS.where(Counter.c.kind == "edge"),
    "counters_equal_the_runs": COUNTS.where(Counter.c.kind == "enter"),
    "histories_are_complete": delete(StepLog.table),
    "enrolments_equal_the_runs": update(Enrolment.table).values(entries=Enrolment.c.entries + 1),
    "sent_means_delivered": delete(InboxMessage.table),
}


async def some_runs(shop: JourneyShop) -> None:
    """One got a message and waits for an event; another waits for a coupon, long enough that a lost question counts."""
    message = {"kind": "send", "channel": "inbox", "template_id": await shop.template()}
    await shop.knows(templates=["tpl_1"])
    for event, nodes in {
        "A": {"m": message, "n": {"kind": "wait_for", "event": "E", "timeout": "30d"}},
        "B": {"m": {"kind": "issue_coupon", "template_id": "tpl_1"}, "n": {"kind": "exit"}},
    }.items():
        entry = {"kind": "event", "event": event}
        edges = [["entry", "m"], ["m", "n"]]
        await shop.publish_journey({"name": event, "entry": entry, "nodes": nodes, "edges": edges})
        await shop.track(event, f"customer of {event}")
    await shop.pass_time(minutes=2)


async def broken(shop: JourneyShop) -> dict[str, Any]:
    """The rows that break each check that does not hold."""
    checks = (await shop.api.get("/v1/audit/journeys")).json()["checks"]
    return {check["name"]: check["offending"] for check in checks if not check["ok"]}


@pytest.fixture(scope="module")
def runs(alone: Alone) -> JourneyShop:
    shop = JourneyShop(alone.running, alone.clock)
    alone.run(some_runs(shop))
    assert alone.run(broken(shop)) == {}
    return shop


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_found_and_named(alone: Alone, runs: JourneyShop, name: str) -> None:
    found = alone.run(found_after(runs.running.service.kit.db, DAMAGE[name], lambda: broken(runs)))
    assert found[name]
    assert alone.run(broken(runs)) == {}
