"""What an operator draws: entry (进入), nodes (节点), edges (连线).

Data, not code; frozen, and the same over HTTP and in the engine.
An edge is `[from, to]` (the port `out`) or `[from, port, to]`. A port that leads nowhere leads to the exit.
"""

from functools import cached_property
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from services.journey.run import Channel
from shared.web import ExternalId, Name

ENTRY = "entry"
OUT = "out"
ERROR = "error"
HOLDOUT = "holdout"

SUPPORTED_NODES = ("wait", "wait_for", "branch", "split", "issue_coupon", "send", "exit")
SUPPORTED_ENTRIES = ("event", "segment_entered", "segment_exited", "api")

NodeId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Text = Annotated[str, Field(min_length=1, max_length=64)]
OurId = Annotated[ExternalId, Field(max_length=64)]


class Part(BaseModel):
    """A piece of a definition: unknown fields are refused, nothing can be changed afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)


class Reentry(Part):
    """May one customer enter again (重复进入): never, once for each key, or whenever no run is in flight."""

    mode: Literal["once", "once_per_key", "always"] = "once"


class EventEntry(Part):
    """Starts a run when the customer does something; `key` names an event property, such as cart_id (关联键)."""

    kind: Literal["event"]
    event: ExternalId
    key: ExternalId | None = None
    reentry: Reentry = Reentry()


class SegmentEntry(Part):
    """Starts a run when the customer enters or leaves a segment."""

    kind: Literal["segment_entered", "segment_exited"]
    segment_id: OurId
    reentry: Reentry = Reentry()


class ApiEntry(Part):
    """Starts a run when a program asks for it; `key` names one of the properties given with the call."""

    kind: Literal["api"]
    key: ExternalId | None = None
    reentry: Reentry = Reentry()


Entry = Annotated[EventEntry | SegmentEntry | ApiEntry, Field(discriminator="kind")]


class ExitOn(Part):
    """Ends the run at any time. With `match_key` only an event that carries the run's key does."""

    event: ExternalId
    match_key: bool = False


class Goal(Part):
    """What counts as success (转化目标), and how long after the entry it still counts."""

    event: ExternalId
    within: Text = "30d"
    match_key: bool = False


class DateFrom(Part):
    """A date found on the entry event or on the customer."""

    property: ExternalId | None = None
    trait: ExternalId | None = None


class Wait(Part):
    """Waits for a length, until a date, or until the clock of a zone shows a time. Exactly one of the three."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, validate_by_name=True, validate_by_alias=True)

    kind: Literal["wait"]
    for_: Text | None = Field(default=None, alias="for", serialization_alias="for")
    until: Text | DateFrom | None = None
    at_local: Text | None = None
    time_zone: Text | None = Field(
        default=None,
        description="An IANA zone, or `customer` for the customer's trait time_zone; default: the journey's.",
    )

    ports: ClassVar[tuple[str, ...]] = (OUT, ERROR)


class WaitFor(Part):
    """Waits for an event of the same customer (with `match_key`: of the same key), or the timeout."""

    kind: Literal["wait_for"]
    event: ExternalId
    match_key: bool = False
    timeout: Text
    since_entry: bool = False

    ports: ClassVar[tuple[str, ...]] = ("event", "timeout")


class Branch(Part):
    """Asks the segments service whether the customer matches a rule."""

    kind: Literal["branch"]
    rule: dict[str, object]

    ports: ClassVar[tuple[str, ...]] = ("yes", "no", ERROR)


class Variant(Part):
    """One arm of a split and its share in basis points."""

    name: Annotated[str, Field(pattern=r"^[\w-]{1,64}$")]
    share_bp: Annotated[int, Field(ge=0, le=10_000)]


class Split(Part):
    """Divides customers by hash; the ports are the names of the variants."""

    kind: Literal["split"]
    by: Literal["customer"] = "customer"
    variants: Annotated[tuple[Variant, ...], Field(min_length=1, max_length=20, strict=False)]

    @property
    def ports(self) -> tuple[str, ...]:
        """The names of the variants."""
        return tuple(variant.name for variant in self.variants)


class IssueCoupon(Part):
    """Issues one coupon of a template to the customer, exactly once for each visit."""

    kind: Literal["issue_coupon"]
    template_id: OurId

    ports: ClassVar[tuple[str, ...]] = (OUT, ERROR)


class Send(Part):
    """Sends a message from a template to the in-app inbox or to a webhook."""

    kind: Literal["send"]
    channel: Channel
    template_id: OurId
    url: Annotated[str, Field(min_length=1, max_length=2000)] | None = Field(
        default=None, description="Webhook only; overrides the template's URL."
    )

    ports: ClassVar[tuple[str, ...]] = (OUT, ERROR)


class Exit(Part):
    """The run is complete."""

    kind: Literal["exit"]

    ports: ClassVar[tuple[str, ...]] = ()


Node = Annotated[Wait | WaitFor | Branch | Split | IssueCoupon | Send | Exit, Field(discriminator="kind")]
Edge = Annotated[list[Annotated[str, Field(max_length=64)]], Field(min_length=2, max_length=3)]


class Definition(Part):
    """One version of a journey (旅程)."""

    name: Name
    time_zone: Text = Field(default="Asia/Shanghai", description="IANA zone of `d` and `w` lengths and of local times.")
    entry: Entry
    exit_on: Annotated[list[ExitOn], Field(max_length=10)] = []
    goal: Goal | None = None
    holdout_bp: Annotated[int, Field(ge=0, le=10_000)] = Field(
        default=0, description="Share of customers (对照组) who deliberately get nothing; their goals are counted."
    )
    nodes: Annotated[dict[NodeId, Node], Field(min_length=1, max_length=200)]
    edges: Annotated[list[Edge], Field(max_length=1000)]

    @cached_property
    def targets(self) -> dict[tuple[str, str], str]:
        """Where each wired port leads."""
        return {(edge[0], edge[1] if len(edge) == 3 else OUT): edge[-1] for edge in self.edges}

    def target(self, node_id: str, port: str) -> str | None:
        """The node behind a port; None: the exit."""
        return self.targets.get((node_id, port))

    @property
    def key(self) -> str | None:
        """The event property that ties entry and waits together."""
        return None if isinstance(self.entry, SegmentEntry) else self.entry.key

    @property
    def interests(self) -> set[tuple[str, str]]:
        """(event name, property of the key or '') of everything that an event can do here."""
        names = {(self.entry.event, "")} if isinstance(self.entry, EventEntry) else set()
        parts: list[ExitOn | Goal | WaitFor] = [*self.exit_on, *([self.goal] if self.goal else [])]
        parts += [node for node in self.nodes.values() if isinstance(node, WaitFor)]
        return names | {(part.event, (self.key or "") if part.match_key else "") for part in parts}

    @property
    def template_ids(self) -> list[str]:
        """Message templates in use."""
        return sorted({node.template_id for node in self.nodes.values() if isinstance(node, Send)})
