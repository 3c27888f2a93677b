"""The state of one customer in one journey (旅程实例), what may wake it, and what a step asks for. Plain values."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from shared.web import MERCHANT

RunState = Literal["ready", "waiting", "waiting_answer", "completed", "exited", "failed"]
LIVE: tuple[RunState, ...] = ("ready", "waiting", "waiting_answer")
JourneyStatus = Literal["draft", "published", "paused", "stopped"]
Channel = Literal["inbox", "webhook"]
"""Where messages go. `actions/room.py` says of each how."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run. `seq` grows with every change: whoever writes with a stale one changes nothing."""

    id: str
    journey_id: str
    version: int
    customer_id: str
    entry_key: str
    trigger_id: str
    since: datetime  # events before this moment are older than the run
    entered_at: datetime
    state: RunState
    node_id: str
    arrived_at: datetime
    due_at: datetime | None
    seq: int = 0
    steps: int = 0
    asks: int = 0
    visits: Mapping[str, int] = field(default_factory=dict)
    event: Mapping[str, object] = field(default_factory=dict)
    coupon: Mapping[str, object] | None = None
    seen: Mapping[str, str] = field(default_factory=dict)  # wait_for nodes whose event already came, with its id
    reason: str | None = None
    goal_at: datetime | None = None
    ended_at: datetime | None = None
    owner_id: str = MERCHANT

    @property
    def live(self) -> bool:
        """In flight."""
        return self.state in LIVE

    @property
    def context(self) -> dict[str, object]:
        """What is kept besides the columns."""
        return {"visits": dict(self.visits), "event": dict(self.event), "coupon": self.coupon, "seen": dict(self.seen)}

    @property
    def visit(self) -> int:
        """How many times the run has come to its node."""
        return self.visits.get(self.node_id, 1)

    @property
    def reference(self) -> str:
        """Names this visit of this node for ever: the idempotency key of its effect."""
        return f"{self.id}:{self.node_id}:{self.visit}"


# -- what may wake a run (besides the time) -------------------------------------------------------


@dataclass(frozen=True, slots=True)
class EventSeen:
    """The awaited event of a wait_for node came."""

    node_id: str
    message_id: str


@dataclass(frozen=True, slots=True)
class CouponIssued:
    """The coupon service issued what was asked for under `reference`."""

    reference: str
    coupon: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class CouponRefused:
    """The coupon service will not issue; `code` says why."""

    reference: str
    code: str


@dataclass(frozen=True, slots=True)
class RuleEvaluated:
    """The segments service evaluated the rule that was asked under `reference`."""

    reference: str
    matches: bool
    because: tuple[object, ...] = ()
    error: str | None = None


Signal = EventSeen | CouponIssued | CouponRefused | RuleEvaluated
SIGNALS: dict[str, type[Signal]] = {
    kind.__name__: kind for kind in (EventSeen, CouponIssued, CouponRefused, RuleEvaluated)
}


def signal_to_json(signal: Signal | None) -> dict[str, object] | None:
    """As it is kept with a run that cannot take it now."""
    return None if signal is None else {"kind": type(signal).__name__, **asdict(signal)}


def signal_from_json(stored: Mapping[str, Any] | None) -> Signal | None:
    """The reverse of `signal_to_json`."""
    if stored is None:
        return None
    return SIGNALS[stored["kind"]](**{name: value for name, value in stored.items() if name != "kind"})


# -- what a step rests on -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rendered:
    """A message for one customer."""

    channel: Channel
    subject: str | None
    body: str


class RenderFailed(ValueError):
    """A template could not be rendered for this customer; says why."""


Render = Callable[[str, Mapping[str, object]], Rendered]


@dataclass(frozen=True, slots=True)
class Facts:
    """What the step knows besides the run: the journey's status, the customer, who woke it, how to render."""

    render: Render
    status: JourneyStatus = "published"
    signal: Signal | None = None
    traits: Mapping[str, object] = field(default_factory=dict)
    ask_again: timedelta = timedelta(seconds=30)


# -- what a step asks for -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Logged:
    """A line of the run's history: the node, the port it was left by (None: still there), and the reason code."""

    node_id: str
    port: str | None
    target: str | None
    reason: str
    detail: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Listen:
    """Wake this run at this node when the event comes."""

    node_id: str
    event: str
    match_key: bool


@dataclass(frozen=True, slots=True)
class Unlisten:
    """The node no longer waits."""

    node_id: str


@dataclass(frozen=True, slots=True)
class AskCoupon:
    """A coupon of this template is wanted for the run's customer."""

    reference: str
    node_id: str
    template_id: str


@dataclass(frozen=True, slots=True)
class AskRule:
    """Whether the run's customer fits this rule is wanted."""

    reference: str
    node_id: str
    rule: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Answered:
    """The ask under this reference has its answer."""

    reference: str
    status: Literal["sent", "failed"]
    reason: str
    provider_ref: str | None = None


@dataclass(frozen=True, slots=True)
class SendMessage:
    """A rendered message; `failure` instead of a body when it could not be rendered."""

    reference: str
    node_id: str
    channel: Channel
    template_id: str
    subject: str | None = None
    body: str = ""
    url: str | None = None
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """The run is over."""

    state: Literal["completed", "exited", "failed"]
    reason: str


Effect = Logged | Listen | Unlisten | AskCoupon | AskRule | Answered | SendMessage | Ended
