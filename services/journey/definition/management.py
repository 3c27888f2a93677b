"""Use cases of drafts: create, list, read, change."""

from typing import Any

from services.journey.definition import repository
from services.journey.definition.graph import Definition
from services.journey.definition.models import Journey
from services.journey.definition.rules import check
from services.journey.definition.schemas import JourneyIn, JourneyRow, JourneyView, Status, field_errors
from shared.db import Transaction
from shared.ids import new_id
from shared.service import Kit
from shared.web import Caller, Conflict, NotFound, Page, Paging


def not_found(journey_id: str) -> NotFound:
    """No journey has this id."""
    return NotFound("not_found", f"There is no journey {journey_id[:64]!r}; GET /v1/journeys lists them.")


async def read_journey(tx: Transaction, caller: Caller, journey_id: str) -> Journey:
    """The journey's row. Raises NotFound, also for another partner's."""
    row = await repository.find(tx, caller, journey_id)
    if row is None:
        raise not_found(journey_id)
    return row


async def read_own_journey(tx: Transaction, caller: Caller, journey_id: str) -> Journey:
    """The same, for who wants to change it."""
    row = await repository.find_own(tx, caller, journey_id)
    if row is None:
        raise not_found(journey_id)
    return row


class Journeys:
    """Keeps every version ever drawn; none is changed."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    async def create(self, caller: Caller, body: JourneyIn) -> JourneyView:
        """A draft with version 1."""
        now = self._kit.clock.now()
        journey_id = new_id("jny")
        row = {
            "id": journey_id,
            "owner_id": caller.owner_id,
            "name": body.name,
            "status": "draft",
            "version": 1,
            "created_at": now,
            "updated_at": now,
        }
        async with self._kit.db.write() as tx:
            await repository.insert_journey(tx, row)
            await repository.insert_version(tx, journey_id, 1, dump(body), now)
        return await self.read(caller, journey_id)

    async def change(self, caller: Caller, journey_id: str, body: JourneyIn) -> JourneyView:
        """A new version; what is live goes on as it is until the new one is published. Raises NotFound, Conflict."""
        now = self._kit.clock.now()
        async with self._kit.db.write() as tx:
            await read_own_journey(tx, caller, journey_id)
            version = await repository.add_version(tx, journey_id, body.name, now)
            if version is None:
                raise Conflict("journey_stopped", "A stopped journey cannot be edited; create a new one.")
            await repository.insert_version(tx, journey_id, version, dump(body), now)
        return await self.read(caller, journey_id)

    async def read(self, caller: Caller, journey_id: str) -> JourneyView:
        """The newest version. Raises NotFound."""
        async with self._kit.db.read() as tx:
            row = await read_journey(tx, caller, journey_id)
            raw = await repository.find_definition(tx, journey_id, row.version) or {}
        problems = field_errors(check(Definition.model_validate(raw)))
        fields = ("id", "status", "version", "live_version", "created_at", "updated_at")
        return JourneyView.model_validate(
            {**raw, **{name: getattr(row, name) for name in fields}, "problems": problems}
        )

    async def page(self, paging: Paging, status: Status | None, name: str | None, kind: str | None) -> Page[JourneyRow]:
        """Journeys, newest first."""
        async with self._kit.db.read() as tx:
            return await repository.page(tx, status, name, kind, paging, JourneyRow.model_validate)


def dump(definition: Definition) -> dict[str, Any]:
    """As it is stored: the wire form, without defaults that say nothing."""
    return definition.model_dump(mode="json", by_alias=True, exclude_none=True)
