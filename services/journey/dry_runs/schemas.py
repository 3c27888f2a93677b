"""HTTP shapes of the dry run."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, Field

from services.journey.run import RunState
from shared.web import Body, ExternalId, Instant, JsonObject, View

_YEARS = range(2000, 2200)


def _showable(value: datetime) -> datetime:
    if value.year not in _YEARS:
        raise ValueError(f"must lie in the years {_YEARS.start} to {_YEARS.stop - 1}")
    return value


# A rule, not bounds of the field: JSON Schema has none for times, and pydantic would write `ge` and `lt` into the document.
Simulated = Annotated[Instant, AfterValidator(_showable)]
"""A time that a simulated clock can show."""


class DryEvent(Body):
    """An event of the simulated customer."""

    event: ExternalId
    timestamp: Simulated
    properties: JsonObject = Field(default_factory=dict)


class DryRunIn(Body):
    """Whom to simulate: a known customer, or a `profile` of traits; what happens to them, and for how long."""

    customer_id: ExternalId | None = None
    profile: JsonObject | None = None
    events: list[DryEvent] = Field(default_factory=list, max_length=200)
    until: Simulated | None = Field(default=None, description="Default: 30 days after the start; at most 400")
    facts: dict[str, bool] = Field(
        default_factory=dict, description="Answers of branch nodes by node id; a branch without one is assumed `no`"
    )


class DryStep(View):
    """One simulated step."""

    node_id: str
    port: str | None
    target: str | None
    reason: str
    detail: JsonObject
    at: Instant


class DryMessage(View):
    """A message as it would be sent; `failure` says why it could not be."""

    node_id: str
    channel: str
    template_id: str
    subject: str | None
    body: str
    failure: str | None
    at: Instant


class DryRunView(View):
    """The walked path with its reasons. `entered` is false when no event let the customer in."""

    version: int
    entered: bool
    state: RunState | None
    node_id: str | None
    due_at: Instant | None
    reason: str | None
    goal_at: Instant | None
    steps: list[DryStep]
    messages: list[DryMessage]
    assumed: list[str]
