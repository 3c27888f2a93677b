"""The interpreter of a journey: `step(definition, run, now, facts) -> (run', effects)`. Pure, so that a dry run is the same code.

A step walks from node to node until the run rests: it waits for a time or an event, waits for an answer of another
service, or is over. The next node is chosen when a wait ends, not when it begins.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from services.journey.definition.graph import (
    ENTRY,
    ERROR,
    HOLDOUT,
    OUT,
    Branch,
    DateFrom,
    Definition,
    Exit,
    IssueCoupon,
    Node,
    Send,
    Split,
    Wait,
    WaitFor,
)
from services.journey.definition.rules import CUSTOMER_ZONE
from services.journey.engine.run import (
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
    RenderFailed,
    RuleEvaluated,
    Run,
    RunState,
    SendMessage,
    Unlisten,
)
from services.journey.engine.splitting import bucket, choose
from services.journey.engine.times import next_local, parse_duration, parse_local_time, parse_moment, zone_named

MOST_NODES = 500  # of one step; a published definition cannot reach it, so reaching it is a defect
SLOWEST_ASK = timedelta(minutes=15)
FARTHEST = timedelta(days=400)


class StepError(Exception):
    """The run cannot be stepped: a defect of the definition or of its state. The run is tried again, then parked."""


@dataclass(frozen=True, slots=True)
class Stay:
    """The run rests at its node."""

    state: RunState
    due_at: datetime
    effects: tuple[Effect, ...] = ()
    reason: str = "waiting"
    asked: bool = False


@dataclass(frozen=True, slots=True)
class Leave:
    """The run goes on by a port."""

    port: str
    reason: str
    effects: tuple[Effect, ...] = ()
    coupon: dict[str, object] | None = None
    detail: dict[str, object] | None = None


Outcome = Stay | Leave


def step(definition: Definition, run: Run, now: datetime, facts: Facts) -> tuple[Run, tuple[Effect, ...]]:
    """Walks the run as far as it goes at `now`. Raises StepError when it cannot be walked."""
    if not run.live:
        return run, ()
    if facts.status == "stopped":
        return end(run, "exited", "journey_stopped")
    effects: list[Effect] = []
    for _ in range(MOST_NODES):
        outcome = _enter(definition, run) if run.node_id == ENTRY else _visit(definition, run, now, facts)
        if outcome is None:
            return run, tuple(effects)
        if isinstance(outcome, Stay):
            run = _stay(run, outcome, effects)
            return run, tuple(effects)
        run = _leave(definition, run, now, outcome, effects)
        if not run.live:
            return run, tuple(effects)
    raise StepError(f"more than {MOST_NODES} nodes in one step")


def end(
    run: Run, state: Literal["exited", "failed"], reason: str, detail: Mapping[str, object] | None = None
) -> tuple[Run, tuple[Effect, ...]]:
    """Ends a live run where it stands."""
    ended = replace(run, state=state, reason=reason, due_at=None, steps=run.steps + 1)
    return ended, (Logged(run.node_id, None, None, reason, detail or {}), Ended(state, reason))


def _enter(definition: Definition, run: Run) -> Outcome:
    if bucket(f"{run.journey_id}:{HOLDOUT}", run.customer_id) < definition.holdout_bp:
        return Leave(HOLDOUT, "holdout")
    return Leave(OUT, "entered")


def _stay(run: Run, outcome: Stay, effects: list[Effect]) -> Run:
    first = run.state == "ready"
    if first:
        effects.append(Logged(run.node_id, None, None, outcome.reason, {"until": outcome.due_at.isoformat()}))
    effects.extend(outcome.effects)
    asks = run.asks + 1 if outcome.asked else run.asks
    return replace(run, state=outcome.state, due_at=outcome.due_at, asks=asks, steps=run.steps + (1 if first else 0))


def _leave(definition: Definition, run: Run, now: datetime, outcome: Leave, effects: list[Effect]) -> Run:
    target = definition.target(run.node_id, outcome.port)
    effects.extend(outcome.effects)
    effects.append(Logged(run.node_id, outcome.port, target, outcome.reason, outcome.detail or {}))
    run = replace(run, steps=run.steps + 1, coupon=outcome.coupon or run.coupon, asks=0)
    if target is None:
        return _complete(
            run, outcome.reason if outcome.port == HOLDOUT and run.node_id == ENTRY else "path_end", effects
        )
    visits = {**run.visits, target: run.visits.get(target, 0) + 1}
    run = replace(run, node_id=target, visits=visits, arrived_at=now, state="ready", due_at=now)
    if isinstance(definition.nodes.get(target), Exit):
        return _complete(run, "exit_node", effects)
    return run


def _complete(run: Run, reason: str, effects: list[Effect]) -> Run:
    effects += [Logged(run.node_id, None, None, reason), Ended("completed", reason)]
    return replace(run, state="completed", reason=reason, due_at=None, steps=run.steps + 1)


def _visit(definition: Definition, run: Run, now: datetime, facts: Facts) -> Outcome | None:
    node = definition.nodes.get(run.node_id)
    if node is None:
        raise StepError(f"version {run.version} has no node {run.node_id!r}")
    return VISITS[type(node)](node, definition, run, now, facts)


def _exit(node: Exit, definition: Definition, run: Run, now: datetime, facts: Facts) -> Outcome:
    raise StepError("a run came to rest on an exit")


# -- waiting --------------------------------------------------------------------------------------


def _wait(node: Wait, definition: Definition, run: Run, now: datetime, facts: Facts) -> Outcome | None:
    """The target is worked out again at the wake: a date or zone that changed meanwhile counts."""
    target = _wait_until(node, definition, run, facts)
    if isinstance(target, str):
        return Leave(ERROR, target)
    if target <= now:
        return Leave(OUT, "waited")
    if run.state == "waiting" and run.due_at == target:
        return None
    return Stay("waiting", target)


def _wait_until(node: Wait, definition: Definition, run: Run, facts: Facts) -> datetime | str:
    """When the wait ends, or the reason why its date is no use."""
    zone = _zone(node.time_zone, definition, facts)
    if node.for_ is not None:
        return parse_duration(node.for_).after(run.arrived_at, zone)
    if node.at_local is not None:
        return next_local(parse_local_time(node.at_local), zone, run.arrived_at, strictly=run.visit > 1)
    value: object = node.until
    if isinstance(node.until, DateFrom):
        value = run.event.get(node.until.property) if node.until.property else facts.traits.get(node.until.trait or "")
    if value is None:
        return "date_missing"
    moment = parse_moment(value, zone)
    if moment is None:
        return "date_unreadable"
    if moment < run.arrived_at:
        return "date_past"
    return "date_too_far" if moment > run.arrived_at + FARTHEST else moment


def _zone(name: str | None, definition: Definition, facts: Facts) -> ZoneInfo:
    """The node's zone, the customer's, or the journey's where those are missing or unknown."""
    if name == CUSTOMER_ZONE:
        trait = facts.traits.get("time_zone") or facts.traits.get("timezone")
        name = trait if isinstance(trait, str) else None
    zone = zone_named(name) if name else None
    zone = zone or zone_named(definition.time_zone)
    if zone is None:
        raise StepError(f"no time zone {definition.time_zone!r}")
    return zone


def _wait_for(node: WaitFor, definition: Definition, run: Run, now: datetime, facts: Facts) -> Outcome | None:
    quiet = (Unlisten(run.node_id),)
    if isinstance(facts.signal, EventSeen) and facts.signal.node_id == run.node_id and run.state == "waiting":
        return Leave("event", "event_came", quiet, detail={"message_id": facts.signal.message_id})
    if run.state == "waiting":
        if run.due_at is not None and now >= run.due_at:
            return Leave("timeout", "timed_out", quiet)
        return None
    if node.since_entry and run.node_id in run.seen:
        return Leave("event", "event_since_entry", detail={"message_id": run.seen[run.node_id]})
    due_at = parse_duration(node.timeout).after(now, _zone(None, definition, facts))
    return Stay("waiting", due_at, (Listen(run.node_id, node.event, node.match_key),), "waiting_event")


# -- deciding -------------------------------------------------------------------------------------


def _split(node: Split, definition: Definition, run: Run, now: datetime, facts: Facts) -> Outcome:
    place = bucket(f"{run.journey_id}:{run.node_id}", run.customer_id)
    variant = choose([(arm.name, arm.share_bp) for arm in node.variants], place)
    return Leave(variant, "split_hash", detail={"bucket": place})


def _branch(node: Branch, definition: Definition, run: Run, now: datetime, facts: Facts) -> Outcome | None:
    answer = facts.signal
    if isinstance(answer, RuleEvaluated) and answer.reference == run.reference and run.state == "waiting_answer":
        detail: dict[str, object] = {"because": list(answer.because)}
        if answer.error is not None:
            done = Answered(answer.reference, "failed", "rule_error")
            return Leave(ERROR, "rule_error", (done,), detail={"error": answer.error})
        reason = "rule_matched" if answer.matches else "rule_not_matched"
        done = Answered(answer.reference, "sent", reason)
        return Leave("yes" if answer.matches else "no", reason, (done,), detail=detail)
    return _ask(run, now, facts, AskRule(run.reference, run.node_id, node.rule))


def _issue_coupon(node: IssueCoupon, definition: Definition, run: Run, now: datetime, facts: Facts) -> Outcome | None:
    answer = facts.signal
    if run.state == "waiting_answer" and isinstance(answer, CouponIssued) and answer.reference == run.reference:
        coupon_id = str(answer.coupon.get("id"))
        done = Answered(answer.reference, "sent", "coupon_issued", coupon_id)
        return Leave(OUT, "coupon_issued", (done,), coupon=dict(answer.coupon), detail={"coupon_id": coupon_id})
    if run.state == "waiting_answer" and isinstance(answer, CouponRefused) and answer.reference == run.reference:
        done = Answered(answer.reference, "failed", answer.code)
        return Leave(ERROR, answer.code, (done,))
    return _ask(run, now, facts, AskCoupon(run.reference, run.node_id, node.template_id))


def _ask(run: Run, now: datetime, facts: Facts, ask: AskCoupon | AskRule) -> Stay | None:
    """Asks once, and again under the same reference when the answer stays out: the other side is idempotent."""
    if run.state == "waiting_answer" and run.due_at is not None and now < run.due_at:
        return None
    silence = min(facts.ask_again * 2 ** min(run.asks, 10), SLOWEST_ASK)
    return Stay("waiting_answer", now + silence, (ask,), "asked", asked=True)


# -- acting ---------------------------------------------------------------------------------------


def _send(node: Send, definition: Definition, run: Run, now: datetime, facts: Facts) -> Outcome:
    context = {
        "customer": {**facts.traits, "id": run.customer_id},
        "event": run.event,
        "coupon": run.coupon or {},
        "journey": {"id": run.journey_id, "name": definition.name, "version": run.version, "run_id": run.id},
    }
    try:
        message = facts.render(node.template_id, context)
    except RenderFailed as error:
        failed = SendMessage(run.reference, run.node_id, node.channel, node.template_id, failure=str(error))
        return Leave(ERROR, "template_failed", (failed,), detail={"error": str(error)})
    planned = SendMessage(
        run.reference, run.node_id, node.channel, node.template_id, message.subject, message.body, node.url
    )
    return Leave(OUT, "sent" if node.channel == "inbox" else "queued", (planned,))


VISITS: dict[type[Node], Callable[..., Outcome | None]] = {
    Wait: _wait,
    WaitFor: _wait_for,
    Branch: _branch,
    Split: _split,
    IssueCoupon: _issue_coupon,
    Send: _send,
    Exit: _exit,
}
