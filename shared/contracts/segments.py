"""What the segments service tells: tracked events, profiles, and who entered or left an audience 人群."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.contracts.base import Event, Instant, OwnedEvent, contract


class TrackedEvent(BaseModel):
    """One call of the tracking API, as stored: corrected time, money in minor units."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    message_id: str
    type: Literal["identify", "track", "page", "screen", "group", "alias"]
    event: str | None = None
    customer_id: str | None = None
    anonymous_id: str | None = None
    timestamp: Instant
    received_at: Instant
    properties: dict[str, Any] = {}
    traits: dict[str, Any] = {}
    history: bool = False
    vouched: Annotated[bool, Field(description="told with a key of the merchant's, not by a shopper's app or page")] = (
        True
    )


@contract("events.tracked", owner="segments")
class EventsTracked(Event):
    """The events of one ingestion commit, up to 500. `history` marks imports, which trigger no journey."""

    model_config = ConfigDict(defer_build=False)  # made by `model_construct`, which builds nothing by itself

    events: tuple[TrackedEvent, ...]


@contract("profile.created", owner="segments", public=True)
class ProfileCreated(Event):
    """A person was seen for the first time 新建档案."""

    profile_id: str
    customer_id: str | None


class MembershipChanged(OwnedEvent):
    """`owner_id` is whose segment it is. `at` is the instant of the change itself, also when it was noticed a moment later."""

    segment_id: str
    segment_name: str
    segment_version: int
    profile_id: str
    customer_id: str | None
    at: Instant
    cause: Literal["event", "time", "edit", "import", "merge"]


@contract("segment.entered", owner="segments", public=True)
class SegmentEntered(MembershipChanged):
    """A customer now belongs to the segment 进入人群."""


@contract("segment.exited", owner="segments", public=True)
class SegmentExited(MembershipChanged):
    """A customer no longer belongs to the segment 退出人群."""


@contract("segment.changed", owner="segments")
class SegmentChanged(Event):
    """A segment was created, edited or archived; consumers keep a copy of the newest version."""

    segment_id: str
    name_text: str
    status: str
    version_number: int


@contract("rule.evaluated", owner="segments")
class RuleEvaluated(Event):
    """The answer to `journey.rule_asked`. `error` says why a rule could not be evaluated (then `matches` is false)."""

    reference: str
    customer_id: str
    matches: bool
    because: tuple[dict[str, Any], ...] = ()
    error: str | None = None
