"""HTTP shapes of people."""

from pydantic import Field

from shared.web import Instant, JsonObject, View


class IdentifierView(View):
    """What a person is known by."""

    type: str
    value: str


class ProfileView(View):
    """One person. `traits` are the newest by their own times; `last_seen_at` is the time of the newest event."""

    id: str
    customer_id: str | None
    traits: JsonObject
    identifiers: list[IdentifierView]
    events: int = Field(description="how many events are stored")
    segments: list[str] = Field(description="ids of the segments that the person is in")
    created_at: Instant
    last_seen_at: Instant | None


class ProfileRow(View):
    """One person in a list."""

    id: str
    customer_id: str | None
    created_at: Instant


class TimelineEntry(View):
    """One event of a person's timeline. `timestamp` is the corrected time; amounts are in minor units."""

    message_id: str
    type: str
    event: str | None
    timestamp: Instant
    received_at: Instant
    properties: JsonObject
    traits: JsonObject
    history: bool
