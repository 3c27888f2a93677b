"""HTTP shapes of the dry run."""

from pydantic import Field

from services.journey.run import RunState
from shared.web import Body, ExternalId, Instant, JsonObject, View
from shared.web.schemas import Simulated


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
