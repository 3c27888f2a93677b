"""The definitions that this process has read."""

from collections.abc import Iterable
from dataclasses import dataclass

from services.journey.definition import repository
from services.journey.definition.graph import Definition
from shared.db import Transaction

MOST_CACHED = 512


@dataclass(frozen=True, slots=True)
class LiveJourney:
    """A published journey and the definition that new runs take."""

    id: str
    version: int
    definition: Definition
    owner_id: str


class DefinitionCache:
    """Versions never change, so each is read and parsed once per process."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int], Definition] = {}

    async def load(self, tx: Transaction, wanted: Iterable[tuple[str, int]]) -> dict[tuple[str, int], Definition]:
        """The definitions of these versions; one that does not exist is missing from the answer."""
        found = {}
        for journey_id, version in set(wanted):
            known = self._known.get((journey_id, version)) or await self._find(tx, journey_id, version)
            if known is not None:
                found[journey_id, version] = known
        return found

    async def _find(self, tx: Transaction, journey_id: str, version: int) -> Definition | None:
        raw = await repository.find_definition(tx, journey_id, version)
        if raw is None:
            return None
        if len(self._known) >= MOST_CACHED:
            self._known.clear()
        definition = self._known[journey_id, version] = Definition.model_validate(raw)
        return definition

    async def published(self, tx: Transaction, kind: str, names: Iterable[str]) -> list[LiveJourney]:
        """Published journeys that this kind of trigger starts, in the one order in which they are entered."""
        live = await repository.find_published(tx, kind, names)
        loaded = await self.load(tx, [(one.id, one.live_version) for one in live])
        return [
            LiveJourney(one.id, one.live_version, loaded[one.id, one.live_version], one.owner_id)
            for one in live
            if (one.id, one.live_version) in loaded
        ]
