"""Use cases of runs: enter by API, look at runs, statistics."""

from typing import Any

from services.journey.actions.repository import effects_of
from services.journey.definition.cache import DefinitionCache, LiveJourney
from services.journey.definition.management import read_journey
from services.journey.engine import repository
from services.journey.engine.correlation import key_value
from services.journey.engine.enrolling import Enrolling, Trigger
from services.journey.engine.history_repository import count_sums, steps_of
from services.journey.engine.models import RunRow
from services.journey.run import RunState
from services.journey.runs.schemas import EffectView, EntryIn, RunView, RunWithSteps, StatisticsView, StepView
from services.journey.runs.statistics import statistics
from services.journey.storable import storable
from shared.db import Transaction
from shared.ids import new_id
from shared.service import Kit
from shared.web import Caller, Conflict, NotFound, Page, Paging, invalid

MOST_STEPS = 1000


class Runs:
    """What operators and programs do with runs."""

    def __init__(self, kit: Kit, definitions: DefinitionCache, enrolling: Enrolling) -> None:
        self._kit = kit
        self._definitions = definitions
        self._enrolling = enrolling

    async def enter(self, caller: Caller, journey_id: str, body: EntryIn) -> RunWithSteps:
        """Starts a run. Raises NotFound, Conflict (not published, already entered), Unprocessable (no key)."""
        now = self._kit.clock.now()
        async with self._kit.db.write() as tx:
            live = await self._live(tx, caller, journey_id)
            key = key_value(body.properties, live.definition.key)
            if live.definition.key is not None and key is None:
                detail = (
                    f"Give properties.{live.definition.key}: this journey tells entries apart by it (text or a number)."
                )
                raise invalid("#/properties", "key_missing", detail)
            properties = storable(body.properties)
            trigger = Trigger(new_id("ent"), body.customer_id, key or "", now, properties, caller.owner_id)
            started = await self._enrolling.enter(tx, live, [trigger], now)
            if not started:
                self._refused(live.definition.entry.reentry.mode)
        return await self.read(caller, started[trigger.id])

    @staticmethod
    def _refused(mode: str) -> None:
        if mode == "always":
            raise Conflict("already_active", "This customer has a run in flight here; enter again when it is over.")
        detail = "This customer has entered before, and the journey's re-entry mode lets nobody in twice."
        raise Conflict("already_entered", detail if mode == "once" else detail + " Give another key.")

    async def _live(self, tx: Transaction, caller: Caller, journey_id: str) -> LiveJourney:
        row = await read_journey(tx, caller, journey_id)
        if row.status != "published" or row.live_version is None:
            raise Conflict("journey_not_published", f"The journey is {row.status}; publish or resume it first.")
        if row.entry_kind != "api":
            detail = f"This journey starts by {row.entry_kind}; only one with the entry kind api takes entries."
            raise Conflict("wrong_entry_kind", detail)
        loaded = await self._definitions.load(tx, [(row.id, row.live_version)])
        return LiveJourney(row.id, row.live_version, loaded[row.id, row.live_version], row.owner_id)

    async def page(
        self, journey_id: str, paging: Paging, customer_id: str | None, state: RunState | None
    ) -> Page[RunView]:
        """Runs of a journey, newest first. Raises NotFound."""
        async with self._kit.db.read() as tx:
            await read_journey(tx, paging.caller, journey_id)
            return await repository.page(tx, journey_id, customer_id, state, paging, lambda row: RunView(**_shown(row)))

    async def read(self, caller: Caller, run_id: str) -> RunWithSteps:
        """One run with its steps and effects. Raises NotFound, also for another owner's."""
        async with self._kit.db.read() as tx:
            row = await repository.find(tx, caller, run_id)
            if row is None:
                raise NotFound("not_found", f"There is no run {run_id[:64]!r}.")
            steps = await steps_of(tx, run_id, MOST_STEPS)
            effects = await effects_of(tx, run_id)
        return RunWithSteps(
            **_shown(row),
            steps=[StepView.model_validate(one) for one in steps],
            effects=[EffectView.model_validate(one) for one in effects],
        )

    async def statistics(self, caller: Caller, journey_id: str) -> StatisticsView:
        """Counts per node and edge. Raises NotFound."""
        async with self._kit.db.read() as tx:
            await read_journey(tx, caller, journey_id)
            return statistics(journey_id, await count_sums(tx, journey_id))


def _shown(row: RunRow) -> dict[str, Any]:
    names = RunView.model_fields
    return {**{name: getattr(row, name) for name in names}, "entry_key": row.entry_key or None}
