"""HTTP shapes of outgoing webhooks."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, AliasChoices, Field, field_validator

from gateway.webhooks_out.conditions import Conditions, InFlight, OwnHeaders, Payload, PerSecond
from gateway.webhooks_out.rules import PATTERN, matches
from shared.contracts import public_names
from shared.web import Body, Instant, Patch, Text, View


def _pattern(text: str) -> str:
    if not PATTERN.fullmatch(text):
        raise ValueError("an event pattern reads `coupon.redeemed`, `stock.*` or `*`")
    if not any(matches([text], name) for name in public_names()):
        raise ValueError("no event has this type; GET /v1/event-types lists them")
    return text


Pattern = Annotated[str, Field(max_length=80), AfterValidator(_pattern)]
Url = Annotated[str, Field(min_length=1, max_length=2000)]
Patterns = Annotated[list[Pattern], Field(min_length=1, max_length=50)]


class EndpointIn(Body):
    """Where to send, and which events: `coupon.redeemed`, a family `stock.*`, or all `*`.

    `where`: conditions on an event's `data` that must all hold; one whose property is missing does not, unless it says `ne`,
    `not_in` or `not_exists`. `payload` `thin` sends ids only. `headers` are sent with each delivery and never shown again.
    `asymmetric` adds Ed25519 signatures (`v1a`). `max_in_flight` is for each of our processes, `rate_per_second` for all.
    """

    url: Url
    events: Patterns
    description: Annotated[Text, Field(max_length=500)] | None = None
    where: Conditions = Field(default_factory=list)
    payload: Payload = "full"
    headers: OwnHeaders = Field(default_factory=dict)
    asymmetric: Annotated[bool, Field(strict=True)] = False
    max_in_flight: InFlight | None = None
    rate_per_second: PerSecond | None = None

    @field_validator("events")
    @classmethod
    def _once(cls, values: list[str]) -> list[str]:
        return list(dict.fromkeys(values))


class EndpointPatch(Patch):
    """What to change; leave out what stays. `headers` replaces them all; a new `url` without it drops them.

    `enabled` false holds what waits and what comes; true resumes with new events, and what was held is had by a replay.
    """

    nullable: ClassVar[frozenset[str]] = frozenset(("description", "max_in_flight", "rate_per_second"))
    url: Url | None = None
    events: Patterns | None = None
    description: Annotated[Text, Field(max_length=500)] | None = None
    where: Conditions | None = None
    payload: Payload | None = None
    headers: OwnHeaders | None = None
    asymmetric: Annotated[bool, Field(strict=True)] | None = None
    max_in_flight: InFlight | None = None
    rate_per_second: PerSecond | None = None
    enabled: bool | None = None


class TestDelivery(Body):
    """`event_type`: send its example from `GET /v1/event-types`; without it a `webhook.test` is sent."""

    event_type: Annotated[str, Field(max_length=80)] | None = None

    @field_validator("event_type")
    @classmethod
    def _known(cls, value: str | None) -> str | None:
        if value is not None and value not in public_names():
            raise ValueError("no event has this type; GET /v1/event-types lists them")
        return value


class SecretRotation(Body):
    """`overlap_seconds`: how long deliveries are signed with the old secret as well."""

    overlap_seconds: Annotated[int, Field(strict=True, ge=0, le=30 * 86400)] = 86400


Replayed = Literal["failed", "held", "undelivered", "all"]


class ReplayIn(Body):
    """Which deliveries: those made from `since` on and before `until` (now), and of these `failed`, `held`, both
    (`undelivered`), or `all`, also what was delivered."""

    since: Instant
    until: Instant | None = None
    status: Replayed = "undelivered"


class ReplayView(View):
    """`count` deliveries are due again, each under its own `webhook-id`. `more`: call again with this window for the rest.

    A window does not take a delivery twice: who calls again with the same `until` gets what is left of it, or nothing.
    """

    endpoint_id: str
    since: Instant
    until: Instant
    status: Replayed
    count: int
    more: bool


class EndpointView(View):
    """A registered endpoint. `disabled_reason` is `by_request`, `gone` (it answered 410) or `failing`.

    `public_key` (`whpk_…`) proves its `v1a` signatures. `scopes` are those of the key that chose URL and events: what they do
    not cover is not told.
    """

    id: str
    url: str
    events: list[str]
    scopes: list[str]
    description: str | None
    where: list[dict[str, Any]] = Field(validation_alias=AliasChoices("conditions", "where"))
    payload: Payload
    header_names: list[str]
    public_key: str | None
    max_in_flight: int | None
    rate_per_second: int | None
    status: Literal["enabled", "disabled"]
    disabled_reason: str | None
    failing_since: Instant | None
    paused_until: Instant | None
    created_at: Instant
    changed_at: Instant


class NewEndpointView(EndpointView):
    """The one answer that holds the signing secret `whsec_…`."""

    secret: str


class DeliveryView(View):
    """One event on its way to one endpoint. `held` while the endpoint is disabled, and until it is replayed or forgotten."""

    id: str
    endpoint_id: str
    event_id: str
    event_type: str
    status: Literal["pending", "held", "delivered", "failed"]
    attempts: int
    next_attempt_at: Instant | None
    last_status: int | None
    last_error: str | None
    created_at: Instant
    finished_at: Instant | None
    replayed_at: Instant | None


class AttemptView(View):
    """One try. `answer` is the beginning of what came back, `head` a few of its headers."""

    number: int
    at: Instant
    status: int | None
    milliseconds: int
    error: str | None
    head: dict[str, str] | None
    answer: str | None


class DeliveryDetail(DeliveryView):
    """A delivery with its payload and its tries."""

    payload: str
    tries: list[AttemptView]
