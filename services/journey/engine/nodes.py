"""What a run does at each kind of node: it stays, or it leaves by a port. Pure. A new kind of node is one more visit here."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from zoneinfo import ZoneInfo

from services.journey.definition.graph import (
    ERROR,
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
from services.journey.run import (
    Answered,
    AskCoupon,
    AskRule,
    CouponIssued,
    CouponRefused,
    Effect,
    EventSeen,
    Facts,
    Listen,
    RenderFailed,
    RuleEvaluated,
    Run,
    RunState,
    SendMessage,
    Unlisten,
)
from services.journey.times import next_local, parse_duration, parse_local_time, parse_moment, zone_named

SLOWEST_ASK = timedelta(minutes=15)
FARTHEST = timedelta(days=400)
WHOLE = 10_000


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


def bucket(salt: str, customer_id: str) -> int:
    """A place in 0..9999, uniform over customers and independent between salts."""
    digest = sha256(f"{salt}:{customer_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % WHOLE


def choose(variants: Sequence[tuple[str, int]], place: int) -> str:
    """The variant (name, share in basis points) in whose stretch the place falls; shares sum to 10,000."""
    edge = 0
    for name, share in variants:
        edge += share
        if place < edge:
            return name
    raise ValueError("the shares of a split must sum to 10000")


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


def _exit(node: Exit, definition: Definition, run: Run, now: datetime, facts: Facts) -> Outcome:
    raise StepError("a run came to rest on an exit")


VISITS: dict[type[Node], Callable[..., Outcome | None]] = {
    Wait: _wait,
    WaitFor: _wait_for,
    Branch: _branch,
    Split: _split,
    IssueCoupon: _issue_coupon,
    Send: _send,
    Exit: _exit,
}
