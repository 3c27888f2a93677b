"""HTTP shapes of incoming webhooks."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from gateway.webhooks_in.maps_to import MapsTo
from shared.web import Body, Instant, JsonObject, Name, Patch, Text, View

Outcome = Literal["accepted", "ignored", "refused", "paused"]
SecretText = Annotated[Text, StringConstraints(min_length=1, max_length=200)]
SecretField = Annotated[str, StringConstraints(min_length=1, max_length=8000)]
SecretFieldName = Annotated[str, StringConstraints(min_length=1, max_length=100)]
SecretGiven = SecretText | Annotated[dict[SecretFieldName, SecretField], Field(min_length=1, max_length=10)]
"""A text, or the fields that the scheme asks for, by name."""


class SourceIn(Body):
    """Who posts, how they sign, and what their bodies become.

    `scheme` is `standard`, `github`, `taobao`, `jd`, `pdd`, `douyin`, `douyin_open`, `wechat`, `wecom`, `dingtalk` or
    `wechat_pay`.
    `secret` is a text, or an object where the platform has several fields (`{"token", "encoding_aes_key", "app_id"}`); for
    `standard` and `github` one is made when it is left out.
    """

    name: Name
    scheme: Annotated[str, Field(min_length=1, max_length=40, examples=["standard"])]
    secret: SecretGiven | None = None
    maps_to: MapsTo


class SourcePatch(Patch):
    """What to change; leave out what stays. A paused source answers 503, so that its partner tries again later."""

    name: Name | None = None
    maps_to: MapsTo | None = None
    paused: Annotated[bool, Field(strict=True)] | None = None


class SourceSecretRotation(Body):
    """`overlap_seconds`: how long the old secret proves deliveries as well. `secret`: the partner's own, else one is made."""

    overlap_seconds: Annotated[int, Field(strict=True, ge=0, le=30 * 86400)] = 86400
    secret: SecretGiven | None = None


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

    secret: str | dict[str, str]


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
    replayed_at: Instant | None


class ReceivedDetail(ReceivedView):
    """One delivery with what it told: `body` opened as the mapping reads it, with everything about people hidden.

    `body_kept` says whether it can be replayed: bodies go some days after their delivery, and very large ones are not kept.
    """

    body_kept: bool
    body: Any


Replayed = Literal["failed", "refused", "ignored", "paused", "all"]


class SourceReplayIn(Body):
    """Which messages: those that came from `since` on and before `until` (now), and of these the `refused`, the `ignored`, what
    met a pause (`paused`), all three (`failed`), or `all`, also what was accepted."""

    since: Instant
    until: Instant | None = None
    outcome: Replayed = "failed"


class SourceReplayView(View):
    """`count` messages were decided anew, `accepted` of them are told now. `more`: call again with this window for the rest.

    A window takes no message twice; one with a later `until` takes again what still fails.
    """

    source_id: str
    since: Instant
    until: Instant
    outcome: Replayed
    count: int
    accepted: int
    more: bool


class HookAnswer(View):
    """What a partner is told: `accepted`, `duplicate` (accepted before) or `ignored` (proven, but not for us)."""

    status: Literal["accepted", "duplicate", "ignored"]
