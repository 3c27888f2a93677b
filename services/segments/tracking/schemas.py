"""HTTP shapes of tracking. The bodies only document: the endpoints read the raw bytes, as the SDKs send them."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from shared.web import ExternalId, Instant, View


class TrackingCall(BaseModel):
    """One call, as Segment's SDKs send it. `userId` or `anonymousId` is required; explicit null means absent."""

    model_config = ConfigDict(extra="allow")
    messageId: ExternalId | None = Field(None, max_length=100, description="repeats of it are harmless")  # noqa: N815 - Segment's
    userId: ExternalId | None = Field(None, examples=["c1"])  # noqa: N815 - Segment's
    anonymousId: ExternalId | None = None  # noqa: N815 - Segment's
    timestamp: str | None = Field(None, examples=["2026-11-11T02:00:00.000Z"])
    sentAt: str | None = Field(None, description="corrects the client's clock")  # noqa: N815 - Segment's
    context: dict[str, Any] | None = None


class IdentifyCall(TrackingCall):
    """Who somebody is. A trait that is null is cleared."""

    traits: dict[str, Any] | None = Field(None, examples=[{"city": "上海"}])


class TrackCall(TrackingCall):
    """What somebody did. Amounts (total, revenue, price …) are decimals here and stored in minor units."""

    event: ExternalId = Field(examples=["Product Added"])
    properties: dict[str, Any] | None = Field(None, examples=[{"sku": "s1", "price": 199.0, "currency": "CNY"}])


class ViewCall(TrackingCall):
    """A page or screen that somebody saw."""

    name: str | None = None
    category: str | None = None
    properties: dict[str, Any] | None = None


class GroupCall(TrackingCall):
    """A group that somebody belongs to."""

    groupId: ExternalId | None = None  # noqa: N815 - Segment's
    traits: dict[str, Any] | None = None


class AliasCall(TrackingCall):
    """An anonymous id that turned out to be a user."""

    previousId: ExternalId  # noqa: N815 - Segment's


class BatchCall(BaseModel):
    """Many calls, each with its `type`; at most 500 KB, each item at most 32 KB.

    At most 10,000 items; with a publishable key or an end-user's token 1,000, which set 5,000 traits together. It
    counts for as many calls.
    """

    model_config = ConfigDict(extra="allow")
    batch: list[dict[str, Any]]
    sentAt: str | None = None  # noqa: N815 - Segment's
    context: dict[str, Any] | None = Field(None, description="merged into each item; `import` marks history")


class Accepted(View):
    """Stored and evaluated, or a repeat of what was."""

    success: bool = True


class RejectView(View):
    """An item that could not be accepted, and why. `item` is its JSON, cut at 32 KB."""

    id: str
    received_at: Instant
    code: str
    detail: str
    message_id: str | None
    request_id: str | None
    item: str
