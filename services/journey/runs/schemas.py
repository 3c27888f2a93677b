"""HTTP shapes of runs and statistics."""

from typing import Literal

from pydantic import Field

from services.journey.run import RunState
from shared.web import Body, ExternalId, Instant, JsonObject, View


class EntryIn(Body):
    """Who is to enter; `properties` is what templates see as `event`, and where the entry's key is looked for."""

    customer_id: ExternalId
    properties: JsonObject = Field(default_factory=dict)


class RunView(View):
    """One customer in one journey (旅程实例)."""

    id: str
    journey_id: str
    version: int
    customer_id: str
    entry_key: str | None
    state: RunState
    node_id: str
    entered_at: Instant
    arrived_at: Instant
    due_at: Instant | None
    ended_at: Instant | None
    reason: str | None
    goal_at: Instant | None
    held: bool


class StepView(View):
    """One line of a run's history. `port` is None while the run stays at the node; `reason` is a stable code."""

    number: int
    node_id: str
    port: str | None
    target: str | None
    reason: str
    detail: JsonObject
    at: Instant


class EffectView(View):
    """One effect of a run, from the ledger."""

    id: str
    idem_key: str
    kind: Literal["coupon", "rule", "message"]
    node_id: str
    status: Literal["asked", "planned", "claimed", "sent", "failed", "unknown", "suppressed"]
    reason: str | None
    provider_ref: str | None
    created_at: Instant
    updated_at: Instant


class RunWithSteps(RunView):
    """A run with all that it went through."""

    steps: list[StepView]
    effects: list[EffectView]


class NodeFigures(View):
    """Counts of one node: who came, who is there now, whose run ended there, whose goal was reached there."""

    arrived: int = 0
    in_flight: int = 0
    ended: int = 0
    goals: int = 0


class EdgeFigures(View):
    """How many runs left a node by a port; `to` is None where that was the end."""

    source: str
    port: str
    to: str | None
    count: int


class StatisticsView(View):
    """Counts of one journey over all versions, from counters: no run is scanned."""

    journey_id: str
    entered: int
    in_flight: int
    completed: int
    exited: int
    failed: int
    goals_reached: int
    refused: dict[str, int]
    nodes: dict[str, NodeFigures]
    edges: list[EdgeFigures]
