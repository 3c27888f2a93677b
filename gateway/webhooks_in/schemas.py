"""HTTP shapes of incoming webhooks."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from gateway.webhooks_in.maps_to import MapsTo
from shared.web import Body, Instant, JsonObject, Name, Patch, Text, View

Outcome = Literal["accepted", "ignored", "refused", "paused"]
Secret = Annotated[Text, StringConstraints(min_length=1, max_length=200)]


class SourceIn(Body):
    """Who posts, how they sign (`standard` or `github`), and what their bodies become. Without `secret` one is made."""

    name: Name
    scheme: Annotated[str, Field(min_length=1, max_length=40, examples=["standard"])]
    secret: Secret | None = None
    maps_to: MapsTo


class SourcePatch(Patch):
    """What to change; leave out what stays. A paused source answers 503, so that its partner tries again later."""

    name: Name | None = None
    maps_to: MapsTo | None = None
    paused: Annotated[bool, Field(strict=True)] | None = None


class SourceSecretRotation(Body):
    """`overlap_seconds`: how long the old secret proves deliveries as well. `secret`: the partner's own, else one is made."""

    overlap_seconds: Annotated[int, Field(strict=True, ge=0, le=30 * 86400)] = 86400
    secret: Secret | None = None


class SourceView(View):
    """A source. Partners post to `url`, a path of this gateway. `last_failure` is why the last unproven delivery was refused."""

    id: str
    name: str
    url: str
    scheme: str
    maps_to: JsonObject
    status: Literal["active", "paused"]
    signature_failures: int
    last_failure_at: Instant | None
    last_failure: str | None
    created_at: Instant
    changed_at: Instant


class NewSourceView(SourceView):
    """The one answer that holds the secret."""

    secret: str


class Trial(Body):
    """A body as the partner would send it, and, to try it before saving, another mapping."""

    body: Any
    maps_to: MapsTo | None = None


class EventView(View):
    """A message in our own shape."""

    type: str
    data: JsonObject


class TrialView(View):
    """What a body would become. `event` is there when the outcome is `accepted`, `code` and `detail` otherwise."""

    outcome: Literal["accepted", "ignored", "refused"]
    event: EventView | None = None
    code: str | None = None
    detail: str | None = None


class ReceivedView(View):
    """One delivery. `times` is how often it came; `message_id` is the message that it became, once."""

    id: str
    source_id: str
    delivery_id: str
    outcome: Outcome
    code: str | None
    detail: str | None
    their_type: str | None
    event_type: str | None
    order_id: str | None
    message_id: str | None
    body_hash: str
    times: int
    received_at: Instant
    last_at: Instant


class HookAnswer(View):
    """What a partner is told: `accepted`, `duplicate` (accepted before) or `ignored` (proven, but not for us)."""

    status: Literal["accepted", "duplicate", "ignored"]
