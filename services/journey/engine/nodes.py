"""What a run does at each kind of node: it stays, or it leaves by a port. Pure. A new kind of node is one more visit here."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TypeVar
from zoneinfo import ZoneInfo

from services.journey.definition.graph import (
    ERROR,
    OUT,
    Branch,
    DateFrom,
    Definition,
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
Answer = TypeVar("Answer", CouponIssued, CouponRefused, RuleEvaluated)


class StepError(Exception):
    """The run cannot be stepped: a defect of the definition or of its state. The run is tried again, then failed."""


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


@dataclass(frozen=True, slots=True)
class Visit:
    """A run at a node, and what its step rests on."""

    definition: Definition
    run: Run
    now: datetime
    facts: Facts

    def answer(self, kind: type[Answer]) -> Answer | None:
        """The answer to this visit's question, when that is what woke the run."""
        signal = self.facts.signal
        if isinstance(signal, kind) and signal.reference == self.run.reference and self.run.state == "waiting_answer":
            return signal
        return None


# -- waiting --------------------------------------------------------------------------------------


def _wait(node: Wait, visit: Visit) -> Outcome | None:
    """The target is worked out again at the wake: a date or zone that changed meanwhile counts."""
    target = _wait_until(node, visit)
    if isinstance(target, str):
        return Leave(ERROR, target)
    if target <= visit.now:
        return Leave(OUT, "waited")
    if visit.run.state == "waiting" and visit.run.due_at == target:
        return None
    return Stay("waiting", target)


def _wait_until(node: Wait, visit: Visit) -> datetime | str:
    """When the wait ends, or the reason why its date is no use."""
    zone = _zone(node.time_zone, visit)
    if node.for_ is not None:
        return parse_duration(node.for_).after(visit.run.arrived_at, zone)
    if node.at_local is not None:
        return next_local(parse_local_time(node.at_local), zone, visit.run.arrived_at, strictly=visit.run.visit > 1)
    value: object = node.until
    if isinstance(node.until, DateFrom):
        event, traits = visit.run.event, visit.facts.traits
        value = event.get(node.until.property) if node.until.property else traits.get(node.until.trait or "")
    if value is None:
        return "date_missing"
    moment = parse_moment(value, zone)
    if moment is None:
        return "date_unreadable"
    if moment < visit.run.arrived_at:
        return "date_past"
    return "date_too_far" if moment > visit.run.arrived_at + FARTHEST else moment


def _zone(name: str | None, visit: Visit) -> ZoneInfo:
    """The node's zone, the customer's, or the journey's where those are missing or unknown."""
    if name == CUSTOMER_ZONE:
        trait = visit.facts.traits.get("time_zone") or visit.facts.traits.get("timezone")
        name = trait if isinstance(trait, str) else None
    zone = zone_named(name) if name else None
    zone = zone or zone_named(visit.definition.time_zone)
    if zone is None:
        raise StepError(f"no time zone {visit.definition.time_zone!r}")
    return zone


def _wait_for(node: WaitFor, visit: Visit) -> Outcome | None:
    run, signal, quiet = visit.run, visit.facts.signal, (Unlisten(visit.run.node_id),)
    if isinstance(signal, EventSeen) and signal.node_id == run.node_id and run.state == "waiting":
        return Leave("event", "event_came", quiet, detail={"message_id": signal.message_id})
    if run.state == "waiting":
        if run.due_at is not None and visit.now >= run.due_at:
            return Leave("timeout", "timed_out", quiet)
        return None
    if node.since_entry and run.node_id in run.seen:
        return Leave("event", "event_since_entry", detail={"message_id": run.seen[run.node_id]})
    due_at = parse_duration(node.timeout).after(visit.now, _zone(None, visit))
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


def _split(node: Split, visit: Visit) -> Outcome:
    place = bucket(f"{visit.run.journey_id}:{visit.run.node_id}", visit.run.customer_id)
    variant = choose([(arm.name, arm.share_bp) for arm in node.variants], place)
    return Leave(variant, "split_hash", detail={"bucket": place})


def _branch(node: Branch, visit: Visit) -> Outcome | None:
    answer = visit.answer(RuleEvaluated)
    if answer is None:
        return _ask(visit, AskRule(visit.run.reference, visit.run.node_id, node.rule))
    detail: dict[str, object] = {"because": list(answer.because)}
    if answer.error is not None:
        done = Answered(answer.reference, "failed", "rule_error")
        return Leave(ERROR, "rule_error", (done,), detail={"error": answer.error})
    reason = "rule_matched" if answer.matches else "rule_not_matched"
    done = Answered(answer.reference, "sent", reason)
    return Leave("yes" if answer.matches else "no", reason, (done,), detail=detail)


def _issue_coupon(node: IssueCoupon, visit: Visit) -> Outcome | None:
    if issued := visit.answer(CouponIssued):
        coupon_id = str(issued.coupon.get("id"))
        done = Answered(issued.reference, "sent", "coupon_issued", coupon_id)
        return Leave(OUT, "coupon_issued", (done,), coupon=dict(issued.coupon), detail={"coupon_id": coupon_id})
    if refused := visit.answer(CouponRefused):
        return Leave(ERROR, refused.code, (Answered(refused.reference, "failed", refused.code),))
    return _ask(visit, AskCoupon(visit.run.reference, visit.run.node_id, node.template_id))


def _ask(visit: Visit, ask: AskCoupon | AskRule) -> Stay | None:
    """Asks once, and again under the same reference when the answer stays out: the other side is idempotent."""
    run = visit.run
    if run.state == "waiting_answer" and run.due_at is not None and visit.now < run.due_at:
        return None
    silence = min(visit.facts.ask_again * 2 ** min(run.asks, 10), SLOWEST_ASK)
    return Stay("waiting_answer", visit.now + silence, (ask,), "asked", asked=True)


# -- sending --------------------------------------------------------------------------------------


def _send(node: Send, visit: Visit) -> Outcome:
    run = visit.run
    context = {
        "customer": {**visit.facts.traits, "id": run.customer_id},
        "event": run.event,
        "coupon": run.coupon or {},
        "journey": {"id": run.journey_id, "name": visit.definition.name, "version": run.version, "run_id": run.id},
    }
    try:
        message = visit.facts.render(node.template_id, context)
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
}
