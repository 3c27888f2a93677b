"""Laws of the pure step for any journey that may be published, whatever is answered."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from unit.journey.stepkit import FACTS, NOW, fresh, journey, of

from services.journey.definition.graph import Definition
from services.journey.definition.rules import check
from services.journey.engine.rules import step
from services.journey.run import (
    CouponIssued,
    CouponRefused,
    Ended,
    EventSeen,
    Logged,
    RuleEvaluated,
    SendMessage,
    Signal,
)

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
