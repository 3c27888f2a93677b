"""The calmer steps, one transaction each: extend 延长, ship 出库 (whole or in parts), release a part under a reference."""

from datetime import datetime

import orjson

from services.inventory.ledger.documents import Document, Kind
from services.inventory.ledger.rules import Movement
from services.inventory.reservations import repository, rules
from services.inventory.reservations.placement import Demand
from services.inventory.reservations.problems import no_reservation
from services.inventory.reservations.rules import Reservation
from services.inventory.reservations.settling import Part, Settling, Step
from services.inventory.reservations.views import Reply
from shared.db import Transaction
from shared.service import Kit
from shared.web import Caller


class Shipping:
    """`POST /v1/reservations/{id}/extend` and `/ship`, and `/release` with a `reference`."""

    def __init__(self, kit: Kit, settling: Settling) -> None:
        self._db = kit.db
        self._clock = kit.clock
        self._settling = settling

    async def extend(self, caller: Caller, reservation_id: str, ttl_seconds: int) -> bytes:
        """The reservation as JSON. Raises NotFound, Conflict (`already_extended`, `reservation_state`), Gone."""

        def extend(reservation: Reservation, _: Demand | None, now: datetime) -> list[Movement]:
            rules.extend(reservation, ttl_seconds, now)
            return []

        async with self._db.write() as tx:
            return await self._step(tx, Step(caller, reservation_id, extend))

    async def ship(self, caller: Caller, reservation_id: str, part: Part, reference: str | None) -> Reply:
        """Raises NotFound, Conflict (`reservation_state`, `ship_exceeds_reserved`, `reference_reused`)."""
        return await self._once("shipment", reference, Step(caller, reservation_id, rules.ship, part))

    async def release(self, caller: Caller, reservation_id: str, part: Part, reference: str) -> Reply:
        """Raises NotFound, Conflict (`reservation_state`, `release_exceeds_reserved`, `reference_reused`)."""
        return await self._once("release", reference, Step(caller, reservation_id, rules.release, part))

    async def _once(self, kind: Kind, reference: str | None, step: Step) -> Reply:
        """The step; under a reference that it was made with before, its first answer."""
        wanted = step.part.wanted
        body = [] if wanted is None else sorted([sku, place or "", units] for (sku, place), units in wanted.items())
        async with self._db.write() as tx:
            # The reservation first, as everywhere; then two of one reference wait for each other here.
            held = (await repository.lock(tx, [step.reservation_id])).get(step.reservation_id)
            if held is None or not step.caller.sees(held.owner_id):
                raise no_reservation(step.reservation_id)
            document = Document(kind, held.owner_id, f"{held.id}:{reference}" if reference else None)
            earlier = await document.register(tx, body, self._clock.now())
            if earlier is not None:
                return Reply(orjson.dumps(earlier), replayed=True)
            answer = await self._step(tx, step)
            await document.keep(tx, orjson.loads(answer))
            return Reply(answer)

    async def _step(self, tx: Transaction, step: Step) -> bytes:
        (result,) = await self._settling.batch(tx, [step])
        if isinstance(result, Exception):
            raise result
        return result
