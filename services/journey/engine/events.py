"""What an event does to runs in flight: reach a goal, end the run, be remembered, end a wait. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from services.journey.engine.advancing import Job
from services.journey.engine.correlation import key_value, of_customer, of_key
from services.journey.engine.models import WaitRow
from services.journey.engine.rules import end
from services.journey.run import EventSeen, Logged
from shared.contracts import TrackedEvent


def event_name(event: TrackedEvent) -> str:
    """A track call's event; other calls go by their type (`page`, `identify` …)."""
    return event.event if event.type == "track" and event.event else event.type


def correlations(event: TrackedEvent, properties: Iterable[str]) -> list[str]:
    """Every key under which runs may wait for this event."""
    keys = [of_customer(event.customer_id)] if event.customer_id is not None else []
    for name in properties:
        value = key_value(event.properties, name)
        if value is not None:
            keys.append(of_key(name, value))
    return keys


def concerns(event: TrackedEvent, job: Job) -> bool:
    """A run only sees what came after it, is not what started it, and is not another customer's."""
    run = job.run
    own = event.customer_id is None or event.customer_id == run.customer_id
    return own and event.timestamp >= run.since and event.message_id != run.trigger_id


def apply_event(job: Job, event: TrackedEvent, waits: Sequence[WaitRow]) -> Job:
    """The job after this event. `waits` are the rows of this run under which the event was found."""
    if not concerns(event, job):
        return job
    kinds: Mapping[str, list[WaitRow]] = {kind: [row for row in waits if row.kind == kind] for kind in ORDER}
    for row in kinds["goal"]:
        if job.run.goal_at is None and row.expires_at is not None and event.timestamp <= row.expires_at:
            job = _goal(job, event)
    if not job.run.live:
        return job
    if kinds["exit"]:
        ended, effects = end(
            job.run, "exited", "exit_event", {"event": event_name(event), "message_id": event.message_id}
        )
        return replace(job, run=ended, effects=(*job.effects, *effects), signal=None)
    for row in kinds["node"]:
        if job.run.state == "waiting" and job.run.node_id == row.node_id and job.signal is None:
            job = replace(job, signal=EventSeen(row.node_id, event.message_id))
    for row in kinds["memo"]:
        if row.node_id not in job.run.seen:
            seen = {**job.run.seen, row.node_id: event.message_id}
            job = replace(job, run=replace(job.run, seen=seen))
    return job


ORDER = ("goal", "exit", "node", "memo")


def _goal(job: Job, event: TrackedEvent) -> Job:
    run = replace(job.run, goal_at=event.timestamp, steps=job.run.steps + 1)
    log = Logged(run.node_id, None, None, "goal_reached", {"event": event_name(event), "message_id": event.message_id})
    return replace(job, run=run, effects=(*job.effects, log))


def rounds(events: Sequence[TrackedEvent]) -> list[list[TrackedEvent]]:
    """Events in the order of their time, so divided that within a round no customer has two."""
    divided: list[list[TrackedEvent]] = []
    met: dict[str, int] = {}
    for event in sorted(events, key=lambda event: event.timestamp):
        who = event.customer_id or f"anonymous {event.message_id}"
        place = met.get(who, 0)
        met[who] = place + 1
        if place == len(divided):
            divided.append([])
        divided[place].append(event)
    return divided
