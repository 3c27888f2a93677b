"""Use cases of runs: enter by API, look at runs, figures."""

from typing import Any

from sqlalchemy import select

from services.journey.actions.repository import EFFECT
from services.journey.definition.drawing import Drawing
from services.journey.definition.repository import Definitions, LiveJourney
from services.journey.engine import repository
from services.journey.engine.correlation import key_value, storable
from services.journey.engine.entering import Entering, Trigger
from services.journey.engine.figures import statistics
from services.journey.engine.run import RunState
from services.journey.engine.schemas import EffectView, EntryIn, RunView, RunWithSteps, StatisticsView, StepView
from shared.db import Transaction
from shared.ids import new_id
from shared.service import Kit
from shared.web import Conflict, NotFound, Page, Paging, fetch_page, invalid

RUN, STEP = repository.RUN, repository.STEP
MOST_STEPS = 1000


class Runs:
    """What operators and programs do with runs."""

    def __init__(self, kit: Kit, drawing: Drawing, definitions: Definitions, entering: Entering) -> None:
        self._kit = kit
        self._drawing = drawing
        self._definitions = definitions
        self._entering = entering

    async def enter(self, journey_id: str, body: EntryIn) -> RunWithSteps:
        """Starts a run. Raises NotFound, Conflict (not published, already entered), Unprocessable (no key)."""
        now = self._kit.clock.now()
        async with self._kit.db.write() as tx:
            live = await self._live(tx, journey_id)
            key = key_value(body.properties, live.definition.key)
            if live.definition.key is not None and key is None:
                detail = (
                    f"Give properties.{live.definition.key}: this journey tells entries apart by it (text or a number)."
                )
                raise invalid("#/properties", "key_missing", detail)
            properties: Any = storable(body.properties)
            trigger = Trigger(new_id("ent"), body.customer_id, key or "", now, properties)
            started = await self._entering.enter(tx, live, [trigger], now)
            if not started:
                self._refused(live.definition.entry.reentry.mode)
        return await self.get(started[trigger.id])

    @staticmethod
    def _refused(mode: str) -> None:
        if mode == "always":
            raise Conflict("already_active", "This customer has a run in flight here; enter again when it is over.")
        detail = "This customer has entered before, and the journey's re-entry mode lets nobody in twice."
        raise Conflict("already_entered", detail if mode == "once" else detail + " Give another key.")

    async def _live(self, tx: Transaction, journey_id: str) -> LiveJourney:
        row = await self._drawing.require(tx, journey_id)
        if row.status != "published" or row.live_version is None:
            raise Conflict("journey_not_published", f"The journey is {row.status}; publish or resume it first.")
        if row.entry_kind != "api":
            detail = f"This journey starts by {row.entry_kind}; only one with the entry kind api takes entries."
            raise Conflict("wrong_entry_kind", detail)
        loaded = await self._definitions.load(tx, [(row.id, row.live_version)])
        return LiveJourney(row.id, row.live_version, loaded[row.id, row.live_version])

    async def page(
        self, journey_id: str, paging: Paging, customer_id: str | None, state: RunState | None
    ) -> Page[RunView]:
        """Runs of a journey, newest first. Raises NotFound."""
        statement = select(RUN).where(RUN.c.journey_id == journey_id)
        if customer_id is not None:
            statement = statement.where(RUN.c.customer_id == customer_id)
        if state is not None:
            statement = statement.where(RUN.c.state == state)
        async with self._kit.db.read() as tx:
            await self._drawing.require(tx, journey_id)
            return await fetch_page(tx, statement, RUN.c.id, paging, lambda row: RunView(**_shown(row)))

    async def get(self, run_id: str) -> RunWithSteps:
        """One run with its steps and effects. Raises NotFound."""
        async with self._kit.db.read() as tx:
            row = (await tx.execute(select(RUN).where(RUN.c.id == run_id))).one_or_none()
            if row is None:
                raise NotFound("run_not_found", f"There is no run {run_id[:64]!r}.")
            chosen = select(STEP).where(STEP.c.run_id == run_id).order_by(STEP.c.number.desc()).limit(MOST_STEPS)
            steps = (await tx.execute(chosen)).all()
            effects = (await tx.execute(select(EFFECT).where(EFFECT.c.run_id == run_id).order_by(EFFECT.c.id))).all()
        return RunWithSteps(
            **_shown(row),
            steps=[StepView.model_validate(one) for one in reversed(steps)],
            effects=[EffectView.model_validate(one) for one in effects],
        )

    async def statistics(self, journey_id: str) -> StatisticsView:
        """Counts per node and edge. Raises NotFound."""
        async with self._kit.db.read() as tx:
            await self._drawing.require(tx, journey_id)
            return statistics(journey_id, await repository.counts(tx, journey_id))


def _shown(row: Any) -> dict[str, Any]:
    names = RunView.model_fields
    return {**{name: getattr(row, name) for name in names}, "entry_key": row.entry_key or None}
