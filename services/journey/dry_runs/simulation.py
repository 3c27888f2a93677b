"""The dry run (试运行): the same step and the same matching with a simulated clock; nothing is written, nothing is sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from services.journey.definition.graph import Definition, EventEntry, WaitFor
from services.journey.engine.advancing import Job
from services.journey.engine.correlation import key_value
from services.journey.engine.enrolling import Trigger, new_run, standing_waits
from services.journey.engine.events import apply_event, correlations
from services.journey.engine.models import WaitRow
from services.journey.engine.recorder import wait_row
from services.journey.engine.rules import step
from services.journey.run import (
    CouponIssued,
    Effect,
    Facts,
    Logged,
    Render,
    RuleEvaluated,
    Run,
    SendMessage,
    Signal,
)
from shared.contracts import TrackedEvent

MOST_STEPS = 500
SAMPLE_COUPON = {"id": "cpn_dry_run", "code": "DRYRUN"}


@dataclass
class Simulation:
    """One simulated run and what it went through."""

    definition: Definition
    render: Render
    traits: Mapping[str, object]
    answers: Mapping[str, bool]
    run: Run | None = None
    steps: list[tuple[datetime, Logged]] = field(default_factory=list)
    messages: list[tuple[datetime, SendMessage]] = field(default_factory=list)
    assumed: list[str] = field(default_factory=list)

    def play(
        self,
        journey_id: str,
        version: int,
        customer_id: str,
        events: Sequence[TrackedEvent],
        start: datetime,
        until: datetime,
    ) -> None:
        """Lets the customer enter and live through the events and the passing of time, up to `until`."""
        coming = sorted((event for event in events if event.timestamp <= until), key=lambda event: event.timestamp)
        run = self._enter(journey_id, version, customer_id, coming, start)
        if run is None:
            return
        now = run.entered_at
        coming = [event for event in coming if event.message_id != run.trigger_id and event.timestamp >= now]
        self._walk(Job(run, run), now)
        while self.run is not None and self.run.live and len(self.steps) < MOST_STEPS:
            due_at = self.run.due_at
            if self.run.state == "waiting_answer":
                self._walk(Job(self.run, self.run, signal=self._answer(self.run)), now)
            elif coming and (due_at is None or coming[0].timestamp <= due_at):
                now = coming[0].timestamp
                self._meet(coming.pop(0))
            elif due_at is None or due_at > until:
                return
            else:
                now = due_at
                self._walk(Job(self.run, self.run), now)
        for event in coming:
            self._meet(event)

    def _enter(
        self, journey_id: str, version: int, customer_id: str, events: Sequence[TrackedEvent], start: datetime
    ) -> Run | None:
        """By the first event that fits the entry; other kinds of entry begin at `start`."""
        entry, key_name = self.definition.entry, self.definition.key
        if not isinstance(entry, EventEntry):
            trigger = Trigger("dry run", customer_id, "", start, {})
            return new_run(journey_id, version, trigger, start)
        for event in events:
            key = key_value(event.properties, key_name)
            if event.event == entry.event and (key is not None or key_name is None):
                trigger = Trigger(event.message_id, customer_id, key or "", event.timestamp, event.properties)
                return new_run(journey_id, version, trigger, event.timestamp)
        return None

    def _walk(self, job: Job, now: datetime) -> None:
        facts = Facts(render=self.render, signal=job.signal, traits=self.traits)
        run, effects = step(self.definition, job.run, now, facts)
        self._note(now, (*job.effects, *effects))
        self.run = run

    def _meet(self, event: TrackedEvent) -> None:
        if self.run is None:
            return
        keys = correlations(event, [self.definition.key] if self.definition.key else [])
        mine = [row for row in self._waits(self.run) if row.event_name == event.event and row.corr_key in keys]
        job = apply_event(Job(self.run, self.run), event, mine)
        self._walk(job, event.timestamp)

    def _waits(self, run: Run) -> list[WaitRow]:
        rows = standing_waits(self.definition, run)
        node = self.definition.nodes.get(run.node_id)
        if run.state == "waiting" and isinstance(node, WaitFor):
            rows.append(wait_row(run, self.definition, "node", run.node_id, node))
        return [WaitRow(**row) for row in rows]

    def _answer(self, run: Run) -> Signal:
        node = self.definition.nodes[run.node_id]
        if node.kind == "issue_coupon":
            return CouponIssued(run.reference, SAMPLE_COUPON)
        if run.node_id not in self.answers and run.node_id not in self.assumed:
            self.assumed.append(run.node_id)
        return RuleEvaluated(run.reference, self.answers.get(run.node_id, False))

    def _note(self, now: datetime, effects: Sequence[Effect]) -> None:
        self.steps += [(now, effect) for effect in effects if isinstance(effect, Logged)]
        self.messages += [(now, effect) for effect in effects if isinstance(effect, SendMessage)]


def horizon(start: datetime, until: datetime | None) -> datetime:
    """How far the simulated clock may go: a month unless told otherwise, never much more than a year."""
    return min(until or start + timedelta(days=30), start + timedelta(days=400))
