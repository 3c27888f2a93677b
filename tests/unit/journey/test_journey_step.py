"""The pure step: asks, sends, ends (F29 F36)."""

from dataclasses import replace
from datetime import timedelta

import pytest
from unit.journey.stepkit import FACTS, NOW, WAIT, fresh, journey, of, reasons

from services.journey.engine.nodes import StepError, bucket
from services.journey.engine.rules import step
from services.journey.run import (
    Answered,
    AskCoupon,
    AskRule,
    CouponIssued,
    CouponRefused,
    Ended,
    Logged,
    RuleEvaluated,
    SendMessage,
)


def test_steps_are_numbered_as_logged() -> None:
    run, first = step(WAIT, fresh(), NOW, FACTS)
    run, second = step(WAIT, run, NOW + timedelta(hours=1), FACTS)
    assert run.steps == len(of(first, Logged)) + len(of(second, Logged)) == 4


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
