"""The pure step's waits: for a time, a date or an event, in the customer's zone (F9 F11 F21 F22)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from unit.journey.stepkit import FACTS, NOW, WAIT, fresh, journey, of, reasons

from services.journey.engine.rules import step
from services.journey.run import EventSeen, Listen, SendMessage, Unlisten

WAIT_FOR = journey(
    {"w": {"kind": "wait_for", "event": "E", "timeout": "1h"}, "x": {"kind": "exit"}, "y": {"kind": "exit"}},
    ["entry", "w"], ["w", "event", "x"], ["w", "timeout", "y"],
)  # fmt: skip


def test_a_wait_rests_until_its_due_time() -> None:
    run, effects = step(WAIT, fresh(), NOW, FACTS)
    assert (run.state, run.node_id, run.due_at) == ("waiting", "w", NOW + timedelta(hours=1))
    assert reasons(effects) == ["entered", "waiting"]
    early, nothing = step(WAIT, run, NOW + timedelta(minutes=59), FACTS)
    assert (early, nothing) == (run, ())
    run, effects = step(WAIT, run, NOW + timedelta(hours=1), FACTS)
    assert (run.state, run.reason) == ("completed", "exit_node")
    assert reasons(effects) == ["waited", "exit_node"]
    assert step(WAIT, run, NOW + timedelta(hours=2), FACTS) == (run, ())


def test_f11_the_event_wins_when_it_comes_first() -> None:
    run, effects = step(WAIT_FOR, fresh(), NOW, FACTS)
    assert of(effects, Listen) == [Listen("w", "E", False)]
    run, effects = step(WAIT_FOR, run, NOW + timedelta(hours=1), replace(FACTS, signal=EventSeen("w", "m1")))
    assert run.node_id == "x"
    assert of(effects, Unlisten) == [Unlisten("w")]
    assert reasons(effects) == ["event_came", "exit_node"]


def test_f11_the_timeout_wins_when_no_event_comes() -> None:
    run, _ = step(WAIT_FOR, fresh(), NOW, FACTS)
    run, effects = step(WAIT_FOR, run, NOW + timedelta(hours=1), FACTS)
    assert (run.node_id, reasons(effects)) == ("y", ["timed_out", "exit_node"])


def test_f11_an_event_before_the_wait_counts_since_entry() -> None:
    since = journey(
        {"w": {"kind": "wait_for", "event": "E", "timeout": "1h", "since_entry": True}, "x": {"kind": "exit"}},
        ["entry", "w"], ["w", "event", "x"],
    )  # fmt: skip
    run, effects = step(since, fresh(seen={"w": "m0"}), NOW, FACTS)
    assert (run.node_id, reasons(effects)) == ("x", ["entered", "event_since_entry", "exit_node"])
    run, _ = step(since, fresh(), NOW, FACTS)
    assert run.state == "waiting"
    run, _ = step(WAIT_FOR, fresh(seen={"w": "m0"}), NOW, FACTS)
    assert run.state == "waiting", "without since_entry an earlier event does not count"


def test_f21_the_next_node_is_chosen_after_the_delay() -> None:
    """A run that waited takes the edges and facts of the moment it wakes."""
    run, _ = step(WAIT, fresh(), NOW, FACTS)
    elsewhere = journey(
        {"w": {"kind": "wait", "for": "1h"}, "m": {"kind": "send", "channel": "inbox", "template_id": "msg_1"}},
        ["entry", "w"], ["w", "m"],
    )  # fmt: skip
    _, effects = step(elsewhere, run, NOW + timedelta(hours=1), FACTS)
    assert [send.node_id for send in of(effects, SendMessage)] == ["m"]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "date_missing"),
        ("soon", "date_unreadable"),
        (5, "date_unreadable"),
        ("2026-11-10", "date_past"),
        ("2036-11-10", "date_too_far"),
    ],
)
def test_f22_a_bad_date_takes_the_error_port(value: object, reason: str) -> None:
    dated = journey(
        {"w": {"kind": "wait", "until": {"property": "when"}}, "m": {"kind": "send", "channel": "inbox", "template_id": "msg_1"}},
        ["entry", "w"], ["w", "m"],
    )  # fmt: skip
    run, effects = step(dated, fresh(event={"when": value}), NOW, FACTS)
    assert (run.state, run.reason) == ("completed", "path_end")
    assert reasons(effects) == ["entered", reason, "path_end"]
    assert of(effects, SendMessage) == [], "never an instant send"


def test_until_a_date_of_the_customer() -> None:
    dated = journey({"w": {"kind": "wait", "until": {"trait": "due"}, "time_zone": "Asia/Shanghai"}}, ["entry", "w"])
    run, _ = step(dated, fresh(), NOW, replace(FACTS, traits={"due": "2026-11-13"}))
    assert run.due_at == datetime(2026, 11, 12, 16, tzinfo=UTC)


NINE = journey(
    {"w": {"kind": "wait", "at_local": "09:00", "time_zone": "customer"}}, ["entry", "w"], time_zone="Asia/Shanghai"
)


def test_f9_the_zone_of_the_customer_and_its_absence() -> None:
    run, _ = step(NINE, fresh(), NOW, replace(FACTS, traits={"time_zone": "America/New_York"}))
    assert run.due_at == datetime(2026, 11, 11, 14, tzinfo=UTC)
    for traits in ({}, {"time_zone": "Mars/Olympus"}, {"time_zone": 8}):
        run, _ = step(NINE, fresh(), NOW, replace(FACTS, traits=traits))
        assert run.due_at == datetime(2026, 11, 12, 1, tzinfo=UTC), "the journey's zone stands in"


def test_f9_a_zone_that_changed_while_waiting_counts() -> None:
    run, _ = step(NINE, fresh(), NOW, replace(FACTS, traits={"time_zone": "Asia/Shanghai"}))
    assert run.due_at == datetime(2026, 11, 12, 1, tzinfo=UTC)
    moved = replace(FACTS, traits={"time_zone": "Pacific/Honolulu"})
    run, effects = step(NINE, run, datetime(2026, 11, 12, 1, tzinfo=UTC), moved)
    assert run.state == "completed", "09:00 in Honolulu was at 19:00Z of the day before the wake"
    assert reasons(effects) == ["waited", "path_end"]


def test_a_daily_loop_goes_once_a_day() -> None:
    daily = journey(
        {"w": {"kind": "wait", "at_local": "09:00"}, "m": {"kind": "send", "channel": "inbox", "template_id": "msg_1"}},
        ["entry", "w"], ["w", "m"], ["m", "w"],
    )  # fmt: skip
    nine = NOW.replace(hour=9)
    run, effects = step(daily, fresh(), nine, FACTS)
    assert [send.reference for send in of(effects, SendMessage)] == ["run_1:m:1"]
    assert run.due_at == nine + timedelta(days=1)
    run, effects = step(daily, run, nine + timedelta(days=1), FACTS)
    assert [send.reference for send in of(effects, SendMessage)] == ["run_1:m:2"]
