"""Use case of the dry run: gathers what the simulation needs, reads only."""

from asyncio import to_thread
from datetime import datetime

from services.journey.customers.repository import find_traits
from services.journey.definition.cache import DefinitionCache
from services.journey.definition.management import read_journey
from services.journey.definition.rules import check
from services.journey.definition.schemas import field_errors
from services.journey.dry_runs.schemas import DryMessage, DryRunIn, DryRunView, DryStep
from services.journey.dry_runs.simulation import Simulation, horizon
from services.journey.templates.cache import TemplateCache
from shared.contracts import TrackedEvent
from shared.service import Kit
from shared.web import Caller, Unprocessable
from shared.web.lanes import Lane

ANYBODY = "dry-run"


class DryRuns:
    """Plays the newest version, published or not."""

    def __init__(self, kit: Kit, definitions: DefinitionCache, templates: TemplateCache) -> None:
        self._kit = kit
        self._definitions = definitions
        self._templates = templates
        self._lane = Lane(at_once=1, waiting=8)

    async def play(self, caller: Caller, journey_id: str, body: DryRunIn) -> DryRunView:
        """Raises NotFound; Unprocessable for a definition that could not be published; Unavailable when many play."""
        async with self._lane.turn(patient=not self._kit.db.is_joined()):
            return await self._play(caller, journey_id, body)

    async def _play(self, caller: Caller, journey_id: str, body: DryRunIn) -> DryRunView:
        now = self._kit.clock.now()
        async with self._kit.db.read() as tx:
            row = await read_journey(tx, caller, journey_id)
            definition = (await self._definitions.load(tx, [(row.id, row.version)]))[row.id, row.version]
            if findings := check(definition):
                detail = f"{findings[0].pointer}: {findings[0].detail}"
                raise Unprocessable("invalid_definition", detail, errors=field_errors(findings))
            render = await self._templates.renderer(tx, definition.template_ids)
            known = await find_traits(tx, [body.customer_id] if body.customer_id else [])
        customer_id = body.customer_id or ANYBODY
        traits = {**known.get(customer_id, {}), **(body.profile or {})}
        events = _events(body, customer_id)
        start = min((event.timestamp for event in events), default=now)
        simulation = Simulation(definition, render, traits, body.facts)
        # Hundreds of steps, each of which may render a long message: not while everybody else waits.
        until = horizon(start, body.until)
        await to_thread(simulation.play, journey_id, row.version, customer_id, events, start, until)
        return _view(row.version, simulation)


def _events(body: DryRunIn, customer_id: str) -> list[TrackedEvent]:
    def event(place: int, name: str, at: datetime, properties: dict[str, object]) -> TrackedEvent:
        return TrackedEvent(
            message_id=f"dry run {place}",
            type="track",
            event=name,
            customer_id=customer_id,
            timestamp=at,
            received_at=at,
            properties=properties,
        )

    return [event(place, one.event, one.timestamp, one.properties) for place, one in enumerate(body.events)]


def _view(version: int, simulation: Simulation) -> DryRunView:
    run = simulation.run
    return DryRunView(
        version=version,
        entered=run is not None,
        state=run.state if run else None,
        node_id=run.node_id if run else None,
        due_at=run.due_at if run else None,
        reason=run.reason if run else None,
        goal_at=run.goal_at if run else None,
        steps=[
            DryStep(
                node_id=log.node_id, port=log.port, target=log.target, reason=log.reason, detail=dict(log.detail), at=at
            )
            for at, log in simulation.steps
        ],
        messages=[
            DryMessage(
                node_id=sent.node_id,
                channel=sent.channel,
                template_id=sent.template_id,
                subject=sent.subject,
                body=sent.body,
                failure=sent.failure,
                at=at,
            )
            for at, sent in simulation.messages
        ],
        assumed=simulation.assumed,
    )
