"""The pure step: waits, races, asks, sends, ends (F9 F11 F21 F22 F29 F36)."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.journey.definition.graph import Definition
from services.journey.definition.rules import check
from services.journey.engine.nodes import StepError, bucket
from services.journey.engine.rules import step
from services.journey.run import (
    Answered,
    AskCoupon,
    AskRule,
    CouponIssued,
    CouponRefused,
    Effect,
    Ended,
    EventSeen,
    Facts,
    Listen,
    Logged,
    Rendered,
    RenderFailed,
    RuleEvaluated,
    Run,
    SendMessage,
    Signal,
    Unlisten,
)

NOW = datetime(2026, 11, 11, 2, tzinfo=UTC)


def render(template_id: str, context: Mapping[str, object]) -> Rendered:
    if template_id == "msg_bad":
        raise RenderFailed("no such filter")
    return Rendered("inbox", "subject", f"coupon {context['coupon']} event {context['event']}")


FACTS = Facts(render=render)


def fresh(**changes: Any) -> Run:
    run = Run(
        id="run_1", journey_id="jny_1", version=1, customer_id="c1", entry_key="", trigger_id="t", since=NOW,
        entered_at=NOW, state="ready", node_id="entry", arrived_at=NOW, due_at=NOW,
    )  # fmt: skip
    return replace(run, **changes)


def journey(nodes: dict[str, Any], *edges: list[str], **more: Any) -> Definition:
    raw = {
        "name": "j",
        "time_zone": "UTC",
        "entry": {"kind": "api"},
        "nodes": nodes,
        "edges": [list(e) for e in edges],
        **more,
    }
    return Definition.model_validate(raw)


def of(effects: tuple[Effect, ...], kind: type) -> list[Any]:
    return [effect for effect in effects if isinstance(effect, kind)]


def reasons(effects: tuple[Effect, ...]) -> list[str]:
    return [log.reason for log in of(effects, Logged)]


WAIT = journey({"w": {"kind": "wait", "for": "1h"}, "x": {"kind": "exit"}}, ["entry", "w"], ["w", "x"])
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


def test_steps_are_numbered_as_logged() -> None:
    run, first = step(WAIT, fresh(), NOW, FACTS)
    run, second = step(WAIT, run, NOW + timedelta(hours=1), FACTS)
    assert run.steps == len(of(first, Logged)) + len(of(second, Logged)) == 4


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


COUPON = journey(
    {"c": {"kind": "issue_coupon", "template_id": "tpl_1"}, "m": {"kind": "send", "channel": "inbox", "template_id": "msg_1"},
     "x": {"kind": "exit"}},
    ["entry", "c"], ["c", "m"], ["c", "error", "x"],
)  # fmt: skip


def test_a_coupon_is_asked_for_and_awaited() -> None:
    run, effects = step(COUPON, fresh(), NOW, FACTS)
    assert of(effects, AskCoupon) == [AskCoupon("run_1:c:1", "c", "tpl_1")]
    assert (run.state, run.due_at) == ("waiting_answer", NOW + timedelta(seconds=30))
    stranger = replace(FACTS, signal=CouponIssued("run_2:c:1", {"id": "cpn_9"}))
    assert step(COUPON, run, NOW, stranger) == (run, ()), "an answer to another question changes nothing"
    answer = replace(FACTS, signal=CouponIssued("run_1:c:1", {"id": "cpn_1", "code": "X"}))
    done, effects = step(COUPON, run, NOW, answer)
    assert done.coupon == {"id": "cpn_1", "code": "X"}
    assert "cpn_1" in of(effects, SendMessage)[0].body
    assert of(effects, Answered) == [Answered("run_1:c:1", "sent", "coupon_issued", "cpn_1")]


def test_a_refused_coupon_takes_the_error_port() -> None:
    run, _ = step(COUPON, fresh(), NOW, FACTS)
    run, effects = step(COUPON, run, NOW, replace(FACTS, signal=CouponRefused("run_1:c:1", "sold_out")))
    assert (run.node_id, reasons(effects)) == ("x", ["sold_out", "exit_node"])


def test_silence_is_asked_again_under_the_same_reference_ever_slower() -> None:
    run, effects = step(COUPON, fresh(), NOW, FACTS)
    now, pauses = NOW, []
    for _ in range(8):
        assert run.due_at is not None
        pauses.append((run.due_at - now).total_seconds())
        now = run.due_at
        run, effects = step(COUPON, run, now, FACTS)
        assert of(effects, AskCoupon) == [AskCoupon("run_1:c:1", "c", "tpl_1")]
        assert reasons(effects) == []
    assert pauses == [30, 60, 120, 240, 480, 900, 900, 900]


@pytest.mark.parametrize(
    ("answer", "port", "reason"),
    [
        (RuleEvaluated("run_1:b:1", True), "yes", "rule_matched"),
        (RuleEvaluated("run_1:b:1", False), "no", "rule_not_matched"),
        (RuleEvaluated("run_1:b:1", False, (), "unknown trait"), "error", "rule_error"),
    ],
)
def test_a_branch_asks_and_goes_by_the_answer(answer: RuleEvaluated, port: str, reason: str) -> None:
    rule = {"segment": "seg_1"}
    branch = journey({"b": {"kind": "branch", "rule": rule}, "x": {"kind": "exit"}}, ["entry", "b"], ["b", "yes", "x"])
    run, effects = step(branch, fresh(), NOW, FACTS)
    assert of(effects, AskRule) == [AskRule("run_1:b:1", "b", rule)]
    _, effects = step(branch, run, NOW, replace(FACTS, signal=answer))
    left = of(effects, Logged)[0]
    assert (left.port, left.reason) == (port, reason)


def test_f36_a_template_that_fails_takes_the_error_port() -> None:
    bad = journey(
        {"m": {"kind": "send", "channel": "inbox", "template_id": "msg_bad"}, "x": {"kind": "exit"}},
        ["entry", "m"], ["m", "error", "x"],
    )  # fmt: skip
    run, effects = step(bad, fresh(), NOW, FACTS)
    assert (run.node_id, of(effects, SendMessage)[0].failure) == ("x", "no such filter")


@pytest.mark.parametrize(("further", "reason"), [(0, None), (1, "holdout")])
def test_f29_the_holdout_ends_before_the_customer_whose_place_is_its_size(further: int, reason: str | None) -> None:
    """A holdout of 100 basis points are the places 0 to 99."""
    place = bucket("jny_1:holdout", "c1")
    held = journey({"w": {"kind": "wait", "for": "1h"}}, ["entry", "w"], holdout_bp=place + further)
    run, _ = step(held, fresh(), NOW, FACTS)
    assert run.reason == reason


def test_f29_the_holdout_gets_nothing() -> None:
    everyone = journey(
        {"m": {"kind": "send", "channel": "inbox", "template_id": "msg_1"}}, ["entry", "m"], holdout_bp=10_000
    )
    run, effects = step(everyone, fresh(), NOW, FACTS)
    assert (run.state, run.reason) == ("completed", "holdout")
    assert of(effects, SendMessage) == []
    assert of(effects, Logged)[0].port == "holdout"


def test_a_stopped_journey_ends_its_runs() -> None:
    run, _ = step(WAIT, fresh(), NOW, FACTS)
    run, effects = step(WAIT, run, NOW, replace(FACTS, status="stopped"))
    assert of(effects, Ended) == [Ended("exited", "journey_stopped")]


def test_a_state_that_cannot_be_walked_says_so() -> None:
    with pytest.raises(StepError, match="no node"):
        step(WAIT, fresh(node_id="gone"), NOW, FACTS)


KINDS = [
    {"kind": "wait", "for": "1h"},
    {"kind": "wait", "at_local": "09:00"},
    {"kind": "wait", "until": {"property": "when"}},
    {"kind": "wait_for", "event": "E", "timeout": "2h", "since_entry": True},
    {"kind": "branch", "rule": {"segment": "seg_1"}},
    {"kind": "split", "variants": [{"name": "A", "share_bp": 5000}, {"name": "B", "share_bp": 5000}]},
    {"kind": "issue_coupon", "template_id": "tpl_1"},
    {"kind": "send", "channel": "inbox", "template_id": "msg_1"},
    {"kind": "send", "channel": "inbox", "template_id": "msg_bad"},
    {"kind": "exit"},
]


@st.composite
def graphs(draw: st.DrawFn) -> Definition:
    """Any wiring of any nodes; only those that pass the publish check are walked."""
    count = draw(st.integers(1, 6))
    nodes = {f"n{number}": draw(st.sampled_from(KINDS)) for number in range(count)}
    parsed = journey(nodes, ["entry", "n0"])
    edges = [["entry", "n0"]]
    for name, node in parsed.nodes.items():
        wired = [port for port in node.ports if draw(st.booleans())]
        edges += [[name, port, f"n{draw(st.integers(0, count - 1))}"] for port in wired]
    return journey(nodes, *edges)


@given(definition=graphs(), signals=st.lists(st.integers(0, 3), max_size=25), customer=st.text(max_size=5))
def test_every_publishable_journey_walks_and_never_spins(
    definition: Definition, signals: list[int], customer: str
) -> None:
    if [finding for finding in check(definition) if finding.code != "unreachable_node"]:
        return
    run, now, references = fresh(customer_id=customer), NOW, set()
    for choice in signals:
        signal: Signal | None = None
        if run.state == "waiting_answer" and choice:
            answers: list[Signal] = [
                CouponIssued(run.reference, {"id": "c"}),
                CouponRefused(run.reference, "sold_out"),
                RuleEvaluated(run.reference, choice == 1),
            ]
            signal = answers[choice - 1]
        elif run.state == "waiting" and choice == 1:
            signal = EventSeen(run.node_id, "m")
        before = run
        run, effects = step(definition, run, now, replace(FACTS, signal=signal))
        assert run.steps - before.steps == len(of(effects, Logged))
        for effect in effects:
            if isinstance(effect, SendMessage):
                assert effect.reference not in references, "each visit acts once"
                references.add(effect.reference)
        if not run.live:
            assert len(of(effects, Ended)) == 1
            return
        assert run.due_at is not None, "a run in flight always has a due time"
        now = max(now, run.due_at)
