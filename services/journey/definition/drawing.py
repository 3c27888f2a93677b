"""Use cases of drafts: draw, redraw, read, list."""

from typing import Any

from sqlalchemy import insert, select, update

from services.journey.definition.graph import Definition
from services.journey.definition.repository import JOURNEY, VERSION
from services.journey.definition.rules import check
from services.journey.definition.schemas import JourneyIn, JourneyRow, JourneyView, Status, field_errors
from shared.db import Transaction
from shared.ids import new_id
from shared.service import Kit
from shared.web import Conflict, NotFound, Page, Paging, fetch_page


def not_found(journey_id: str) -> NotFound:
    return NotFound("journey_not_found", f"There is no journey {journey_id[:64]!r}; GET /v1/journeys lists them.")


class Drawing:
    """Keeps every version ever drawn; none is changed."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    async def create(self, body: JourneyIn) -> JourneyView:
        """A draft with version 1."""
        now = self._kit.clock.now()
        journey_id = new_id("jny")
        row = {
            "id": journey_id,
            "name": body.name,
            "status": "draft",
            "version": 1,
            "created_at": now,
            "updated_at": now,
        }
        async with self._kit.db.write() as tx:
            await tx.execute(insert(JOURNEY), row)
            await self._keep(tx, journey_id, 1, body)
        return await self.get(journey_id)

    async def redraw(self, journey_id: str, body: JourneyIn) -> JourneyView:
        """A new version; what is live goes on as it is until the new one is published. Raises NotFound, Conflict."""
        chosen = (JOURNEY.c.id == journey_id) & (JOURNEY.c.status != "stopped")
        values = {"version": JOURNEY.c.version + 1, "name": body.name, "updated_at": self._kit.clock.now()}
        async with self._kit.db.write() as tx:
            version = await tx.scalar(update(JOURNEY).where(chosen).values(**values).returning(JOURNEY.c.version))
            if version is None:
                await self.require(tx, journey_id)
                raise Conflict("journey_stopped", "A stopped journey cannot be edited; create a new one.")
            await self._keep(tx, journey_id, version, body)
        return await self.get(journey_id)

    async def _keep(self, tx: Transaction, journey_id: str, version: int, body: JourneyIn) -> None:
        row = {
            "journey_id": journey_id,
            "version": version,
            "definition": dump(body),
            "created_at": self._kit.clock.now(),
        }
        await tx.execute(insert(VERSION), row)

    async def require(self, tx: Transaction, journey_id: str) -> Any:
        """The journey's row. Raises NotFound."""
        row = (await tx.execute(select(JOURNEY).where(JOURNEY.c.id == journey_id))).one_or_none()
        if row is None:
            raise not_found(journey_id)
        return row

    async def get(self, journey_id: str) -> JourneyView:
        """The newest version. Raises NotFound."""
        async with self._kit.db.read() as tx:
            row = await self.require(tx, journey_id)
            chosen = (VERSION.c.journey_id == journey_id) & (VERSION.c.version == row.version)
            raw = await tx.scalar(select(VERSION.c.definition).where(chosen))
        problems = field_errors(check(Definition.model_validate(raw)))
        fields = ("id", "status", "version", "live_version", "created_at", "updated_at")
        return JourneyView.model_validate(
            {**raw, **{name: getattr(row, name) for name in fields}, "problems": problems}
        )

    async def page(self, paging: Paging, status: Status | None, name: str | None, kind: str | None) -> Page[JourneyRow]:
        statement = select(JOURNEY)
        for column, value in ((JOURNEY.c.status, status), (JOURNEY.c.name, name), (JOURNEY.c.entry_kind, kind)):
            if value is not None:
                statement = statement.where(column == value)
        async with self._kit.db.read() as tx:
            return await fetch_page(tx, statement, JOURNEY.c.id, paging, JourneyRow.model_validate)


def dump(definition: Definition) -> dict[str, Any]:
    """As it is stored: the wire form, without defaults that say nothing."""
    return definition.model_dump(mode="json", by_alias=True, exclude_none=True)
