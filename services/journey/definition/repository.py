"""The SQL of journeys, and the definitions that the engine keeps in memory."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select

from services.journey.definition.graph import Definition
from services.journey.definition.models import Interest, Journey, JourneyVersion, KnownId
from services.journey.engine.run import JourneyStatus
from shared.db import Transaction, table

JOURNEY = table(Journey)
VERSION = table(JourneyVersion)
INTEREST = table(Interest)
KNOWN = table(KnownId)
MOST_CACHED = 512


@dataclass(frozen=True, slots=True)
class LiveJourney:
    """A published journey and the definition that new runs take."""

    id: str
    version: int
    definition: Definition


class Definitions:
    """Versions never change, so each is read and parsed once per process."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int], Definition] = {}

    async def load(self, tx: Transaction, wanted: Iterable[tuple[str, int]]) -> dict[tuple[str, int], Definition]:
        """The definitions of these versions; one that does not exist is missing from the answer."""
        found = {}
        for journey_id, version in set(wanted):
            known = self._known.get((journey_id, version)) or await self._read(tx, journey_id, version)
            if known is not None:
                found[journey_id, version] = known
        return found

    async def _read(self, tx: Transaction, journey_id: str, version: int) -> Definition | None:
        chosen = (VERSION.c.journey_id == journey_id) & (VERSION.c.version == version)
        raw = await tx.scalar(select(VERSION.c.definition).where(chosen))
        if raw is None:
            return None
        if len(self._known) >= MOST_CACHED:
            self._known.clear()
        definition = self._known[journey_id, version] = Definition.model_validate(raw)
        return definition

    async def published(self, tx: Transaction, kind: str, names: Iterable[str]) -> list[LiveJourney]:
        """Published journeys that this kind of trigger starts, in the one order in which they are entered."""
        chosen = (JOURNEY.c.entry_kind == kind) & JOURNEY.c.entry_name.in_(sorted(set(names)))
        statement = select(JOURNEY.c.id, JOURNEY.c.live_version).where(chosen, JOURNEY.c.status == "published")
        rows = (await tx.execute(statement.order_by(JOURNEY.c.id))).all()
        loaded = await self.load(tx, [(row.id, row.live_version) for row in rows])
        return [LiveJourney(journey_id, version, loaded[journey_id, version]) for journey_id, version in sorted(loaded)]


async def statuses(tx: Transaction, journey_ids: Iterable[str]) -> dict[str, JourneyStatus]:
    """The present status of each journey."""
    chosen = JOURNEY.c.id.in_(sorted(set(journey_ids)))
    rows = (await tx.execute(select(JOURNEY.c.id, JOURNEY.c.status).where(chosen))).all()
    return {row.id: row.status for row in rows}


async def interests(tx: Transaction, event_names: Iterable[str]) -> dict[str, set[str]]:
    """For each event name that any journey cares about: the properties in which keys may be found."""
    statement = select(INTEREST.c.event_name, INTEREST.c.key_property).distinct()
    rows = (await tx.execute(statement.where(INTEREST.c.event_name.in_(sorted(set(event_names)))))).all()
    found: dict[str, set[str]] = {}
    for row in rows:
        found.setdefault(row.event_name, set()).update({row.key_property} - {""})
    return found
