"""Moves runs: decides in memory with the pure step, then writes states and effects in one transaction behind the fence."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from services.journey.customers.repository import find_traits
from services.journey.definition.cache import DefinitionCache
from services.journey.definition.graph import Definition
from services.journey.definition.repository import find_statuses
from services.journey.engine import repository
from services.journey.engine.models import RunRow
from services.journey.engine.recorder import Recorder, Stepped
from services.journey.engine.rules import end, step
from services.journey.run import Effect, Facts, Run, Signal, signal_from_json, signal_to_json
from services.journey.settings import JourneySettings
from services.journey.templates.cache import TemplateCache
from shared.db import Transaction
from shared.observability.logging import get_logger

FIRST_RETRY = timedelta(seconds=1)
SLOWEST_RETRY = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Job:
    """A run to move. `before` is what the database holds; `run` and `effects` what an event already did to it."""

    before: Run
    run: Run
    effects: tuple[Effect, ...] = ()
    signal: Signal | None = None
    attempts: int = 1  # this one included
    claimed: bool = False  # by the timers: must be written even when nothing changed, to end the lease

    @classmethod
    def of(cls, row: RunRow, signal: Signal | None = None, *, claimed: bool = False) -> "Job":
        """The job for a row of the run table; without a new signal it takes the one that was kept with the run."""
        run = repository.to_run(row)
        attempts = row.attempts if claimed else row.attempts + 1
        return cls(run, run, (), signal or signal_from_json(row.signal), attempts, claimed)


@dataclass(frozen=True, slots=True)
class _Result:
    """The job's new state: walked, held back by a pause, or to be tried again."""

    stepped: Stepped
    signal: Signal | None = None
    held: bool = False
    attempts: int = 0


class Advancer:
    """The only writer of runs, for timers, events and answers alike."""

    def __init__(
        self, settings: JourneySettings, definitions: DefinitionCache, templates: TemplateCache, recorder: Recorder
    ) -> None:
        self._settings = settings
        self._definitions = definitions
        self._templates = templates
        self._recorder = recorder
        self._log = get_logger(service="journey")
        self.wake = asyncio.Event()

    async def advance(self, tx: Transaction, jobs: Sequence[Job], now: datetime) -> int:
        """Moves each run as far as it goes; answers how many won their fence. A run that raises spoils only itself."""
        results = await self._decide(tx, jobs, now) if jobs else []
        if not results:
            return 0
        won = await repository.fence(tx, [result.stepped.before for result in results])
        winners = [result for result in results if result.stepped.before.id in won]
        await repository.save(tx, [self._changes(result, now) for result in winners])
        await self._recorder.record(tx, [result.stepped for result in winners], now)
        self._schedule(tx, winners, now)
        return len(winners)

    def _schedule(self, tx: Transaction, winners: Sequence[_Result], now: datetime) -> None:
        """The timers look at the table at least once a second; what is due sooner wakes them."""
        soon = now + timedelta(seconds=1)
        if any(result.stepped.after.due_at and result.stepped.after.due_at <= soon for result in winners):
            tx.after_commit(self.wake.set)

    async def _decide(self, tx: Transaction, jobs: Sequence[Job], now: datetime) -> list[_Result]:
        known = await find_statuses(tx, [job.run.journey_id for job in jobs])
        definitions = await self._definitions.load(tx, [(job.run.journey_id, job.run.version) for job in jobs])
        used = {template_id for definition in definitions.values() for template_id in definition.template_ids}
        render = await self._templates.renderer(tx, used)
        traits = await find_traits(tx, [job.run.customer_id for job in jobs])
        results = []
        for job in jobs:
            definition = definitions[job.run.journey_id, job.run.version]
            facts = Facts(
                render=render,
                status=known[job.run.journey_id],
                signal=job.signal,
                traits=traits.get(job.run.customer_id, {}),
                ask_again=timedelta(seconds=self._settings.ask_again_seconds),
            )
            result = self._move(job, definition, facts, now)
            if result is not None:
                results.append(result)
        return results

    def _move(self, job: Job, definition: Definition, facts: Facts, now: datetime) -> _Result | None:
        if not job.run.live:
            return _Result(Stepped(job.before, job.run, definition, job.effects))
        if facts.status == "paused":
            held = replace(job.run, due_at=now) if job.signal is not None else job.run
            return _Result(Stepped(job.before, held, definition, job.effects), job.signal, held=True)
        try:
            after, effects = step(definition, job.run, now, facts)
        except Exception as error:  # whatever it is, it is this run's trouble: bounded tries, then failed
            return self._fail(job, definition, error, now)
        if after == job.before and not (effects or job.effects or job.claimed):
            return None
        return _Result(Stepped(job.before, after, definition, (*job.effects, *effects)))

    def _fail(self, job: Job, definition: Definition, error: Exception, now: datetime) -> _Result:
        text = f"{type(error).__name__}: {error}"[:300]
        self._log.error(
            "run cannot be stepped", run_id=job.run.id, node=job.run.node_id, attempt=job.attempts, error=text
        )
        if job.attempts >= self._settings.step_attempts:
            failed, effects = end(job.run, "failed", "poison", {"error": text})
            return _Result(Stepped(job.before, failed, definition, (*job.effects, *effects)))
        pause = min(FIRST_RETRY * 4 ** (job.attempts - 1), SLOWEST_RETRY)
        later = replace(job.run, due_at=now + pause)
        return _Result(Stepped(job.before, later, definition, job.effects), job.signal, attempts=job.attempts)

    async def give_back(self, tx: Transaction, row: RunRow, error: Exception, now: datetime) -> None:
        """Counts a failed attempt to write a claimed run: it comes again later, or is failed after too many."""
        job = Job.of(row, claimed=True)
        loaded = await self._definitions.load(tx, [(job.run.journey_id, job.run.version)])
        result = self._fail(job, loaded[job.run.journey_id, job.run.version], error, now)
        if await repository.fence(tx, [job.before]):
            await repository.save(tx, [self._changes(result, now)])
            await self._recorder.record(tx, [result.stepped], now)

    def _changes(self, result: _Result, now: datetime) -> dict[str, object]:
        after = result.stepped.after
        return {
            "id": after.id,
            **repository.to_values(after),
            "ended_at": None if after.live else after.ended_at or now,
            "lease_until": None,
            "attempts": result.attempts,
            "held": result.held,
            "signal": signal_to_json(result.signal),
        }
