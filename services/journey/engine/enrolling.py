"""Starts runs: who may enter is decided by unique keys, so that any number of the same trigger start one run."""

from collections import Counter as Tally
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from services.journey.definition.cache import LiveJourney
from services.journey.definition.graph import ENTRY, Definition, ExitOn, WaitFor
from services.journey.engine import history_repository, repository, waits_repository
from services.journey.engine.advancing import Advancer, Job
from services.journey.engine.recorder import wait_row
from services.journey.run import Run
from services.journey.times import parse_duration, zone_named
from shared.contracts import JourneyEntered
from shared.db import Transaction
from shared.ids import new_id
from shared.messaging import Outbox
from shared.web import MERCHANT

OLDEST = timedelta(days=400)
"""How far back a late event may begin a run's time; what clients send as time may be anything."""


@dataclass(frozen=True, slots=True)
class Trigger:
    """A reason to enter. The same `id` starts at most one run of a journey. `owner_id` is who lets the customer in; a
    partner's own journey makes runs of that partner's, whoever does.
    """

    id: str
    customer_id: str
    key: str  # '' = none
    since: datetime
    event: Mapping[str, object]
    owner_id: str = MERCHANT


class Enrolling:
    """One for the engine."""

    def __init__(self, outbox: Outbox, advancer: Advancer) -> None:
        self._outbox = outbox
        self._advancer = advancer

    async def enter(
        self, tx: Transaction, journey: LiveJourney, triggers: Sequence[Trigger], now: datetime
    ) -> dict[str, str]:
        """Starts a run for every trigger that may; answers trigger id → run id of those that did.

        Re-entry modes: `once` a customer enters one time for ever; `once_per_key` one time for each key; `always`
        whenever no run of the same customer and key is in flight. Each run is walked at once to its first rest.
        """
        if not triggers:
            return {}
        runs = [
            new_run(journey.id, journey.version, trigger, now, journey.owner_id)
            for trigger in await self._admit(tx, journey, triggers, now)
        ]
        runs = await repository.insert_runs(tx, runs)
        await self._enrol(tx, journey, runs, now)
        await waits_repository.insert_waits(
            tx, [wait for run in runs for wait in standing_waits(journey.definition, run)]
        )
        await self._outbox.publish(tx, [_entered(journey, run) for run in runs])
        await self._advancer.advance(tx, [Job(run, run) for run in runs], now)
        await self._tally(tx, journey, len(triggers), len(runs), now)
        return {run.trigger_id: run.id for run in runs}

    async def _admit(
        self, tx: Transaction, journey: LiveJourney, triggers: Sequence[Trigger], now: datetime
    ) -> list[Trigger]:
        """The enrolment's primary key decides; `always` is decided by the unique key of runs in flight."""
        mode = journey.definition.entry.reentry.mode
        if mode == "always":
            return list(triggers)
        first: dict[tuple[str, str], Trigger] = {}
        for trigger in triggers:
            first.setdefault((trigger.customer_id, trigger.key if mode == "once_per_key" else ""), trigger)
        rows = [_enrolment(journey, *place, now, entries=0) for place in sorted(first)]
        return [first[place] for place in sorted(await repository.insert_enrolments(tx, rows))]

    async def _enrol(self, tx: Transaction, journey: LiveJourney, runs: Sequence[Run], now: datetime) -> None:
        places = Tally((run.customer_id, key) for run in runs for key in {"", run.entry_key})
        counted = [_enrolment(journey, *place, now, entries=amount) for place, amount in sorted(places.items())]
        await repository.count_entries(tx, counted)

    async def _tally(self, tx: Transaction, journey: LiveJourney, asked: int, entered: int, now: datetime) -> None:
        tally: Tally[history_repository.CountKey] = Tally()
        if entered:
            tally[journey.id, "enter", ENTRY, "", ""] = entered
        if refused := asked - entered:
            mode = journey.definition.entry.reentry.mode
            tally[journey.id, "refused", ENTRY, "already_active" if mode == "always" else "already_entered", ""] = (
                refused
            )
        await history_repository.count(tx, tally, now)


def _enrolment(journey: LiveJourney, customer_id: str, key: str, now: datetime, entries: int) -> dict[str, Any]:
    return {
        "journey_id": journey.id,
        "customer_id": customer_id,
        "entry_key": key,
        "entries": entries,
        "first_at": now,
        "last_at": now,
    }


def new_run(journey_id: str, version: int, trigger: Trigger, now: datetime, owner_id: str = MERCHANT) -> Run:
    """A run that has just been let in, into a journey of that owner's."""
    return Run(
        id=new_id("run"),
        journey_id=journey_id,
        version=version,
        customer_id=trigger.customer_id,
        entry_key=trigger.key,
        trigger_id=trigger.id,
        since=max(min(trigger.since, now), now - OLDEST),
        entered_at=now,
        state="ready",
        node_id=ENTRY,
        arrived_at=now,
        due_at=now,
        event=trigger.event,
        owner_id=trigger.owner_id if owner_id == MERCHANT else owner_id,
    )


def standing_waits(definition: Definition, run: Run) -> list[dict[str, Any]]:
    """What may happen to the run at any time: exits, the goal, and events that a later wait wants to know of."""
    waits: dict[tuple[str, str], ExitOn | WaitFor] = {}
    for rule in definition.exit_on:
        waits["exit", f"{rule.event}#{'key' if rule.match_key else ''}"] = rule
    for node_id, node in definition.nodes.items():
        if isinstance(node, WaitFor) and node.since_entry:
            waits["memo", node_id] = node
    rows = [wait_row(run, definition, kind, name, what) for (kind, name), what in waits.items()]
    zone = zone_named(definition.time_zone)
    if definition.goal is not None and zone is not None:
        until = parse_duration(definition.goal.within).after(run.since, zone)
        rows.append(wait_row(run, definition, "goal", "", definition.goal, until))
    return rows


def _entered(journey: LiveJourney, run: Run) -> JourneyEntered:
    return JourneyEntered(
        owner_id=run.owner_id,
        journey_id=journey.id,
        journey_name=journey.definition.name,
        journey_version=journey.version,
        run_id=run.id,
        customer_id=run.customer_id,
        reason=journey.definition.entry.kind,
    )
