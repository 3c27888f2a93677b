"""HTTP shapes of segments."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from shared.web import Body, Instant, JsonObject, Name, View
from shared.zones import known_zone

TimeZone = Annotated[str, Field(max_length=60, examples=["Asia/Shanghai"]), AfterValidator(known_zone)]
"""An IANA name."""
Rule = Annotated[
    JsonObject,
    Field(
        description="A rule tree: all, any, not over trait, event and segment leaves",
        examples=[{"all": [{"trait": "city", "op": "eq", "value": "上海"}]}],
    ),
]


class SegmentIn(Body):
    """An audience to keep: everybody for whom the rule holds."""

    name: Name = Field(examples=["高价值上海客户"])
    rule: Rule
    time_zone: TimeZone | None = Field(None, description="for calendar windows and dates; default is the service's")


class SegmentPatch(Body):
    """What is to change; what is left out stays."""

    name: Name | None = None
    rule: Rule | None = None
    time_zone: TimeZone | None = None


class PreviewIn(Body):
    """A rule to try out; nothing is stored."""

    rule: Rule
    sample: int = Field(10, ge=0, le=100, strict=True)
    time_zone: TimeZone | None = None


class Progress(View):
    """How far a backfill came: profiles looked at, of how many, and what changed so far."""

    done: int
    total: int
    entered: int
    exited: int


class SegmentView(View):
    """An audience. `status` backfilling: memberships still follow an earlier version for those not yet looked at."""

    id: str
    name: str
    rule: JsonObject
    time_zone: str
    status: Literal["backfilling", "live", "archived"]
    version: int
    count: int
    backfill: Progress | None = None
    created_at: Instant
    updated_at: Instant


class VersionView(View):
    """A definition that the segment had."""

    version: int
    rule: JsonObject
    time_zone: str
    created_at: Instant


class SampleView(View):
    """Somebody."""

    profile_id: str
    customer_id: str | None


class PreviewView(View):
    """How many a rule selects now, and some of them."""

    count: int
    sample: list[SampleView]
    took_ms: float


class MemberView(View):
    """A member; `since` is the instant of the change that brought it in."""

    profile_id: str
    customer_id: str | None
    since: Instant


class LeafView(View):
    """What one leaf says. `next_change_at`: when it changes if nothing but time passes."""

    leaf: JsonObject
    holds: bool
    evidence: JsonObject
    next_change_at: Instant | None = None


class ExplanationView(View):
    """Why somebody is or is not a member, leaf by leaf."""

    segment_id: str
    customer_id: str
    profile_id: str
    member: bool
    since: Instant | None
    next_change_at: Instant | None
    because: list[LeafView]
