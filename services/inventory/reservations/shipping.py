"""The calmer steps, one transaction each: extend 延长, ship 出库 (whole or in parts)."""

from collections.abc import Sequence
from datetime import datetime

import orjson

from services.inventory.ledger.documents import Document
from services.inventory.ledger.rules import Movement
from services.inventory.reservations import repository, rules
from services.inventory.reservations.placement import demand
from services.inventory.reservations.problems import no_reservation
from services.inventory.reservations.rules import Reservation
from services.inventory.reservations.schemas import ShipLine
from services.inventory.reservations.settling import Settling, Step
from shared.db import Transaction
from shared.service import Kit
from shared.web import Caller


class Shipping:
    """`POST /v1/reservations/{id}/extend` and `/ship`."""

    def __init__(self, kit: Kit, settling: Settling) -> None:
        self._db = kit.db
        self._clock = kit.clock
        self._settling = settling

    async def extend(self, caller: Caller, reservation_id: str, ttl_seconds: int) -> bytes:
        """The reservation as JSON. Raises NotFound, Conflict (`already_extended`, `reservation_state`), Gone."""

        def extend(reservation: Reservation, now: datetime) -> list[Movement]:
            rules.extend(reservation, ttl_seconds, now)
            return []

        async with self._db.write() as tx:
            return await self._step(tx, Step(caller, reservation_id, extend, None))

    async def ship(
        self, caller: Caller, reservation_id: str, lines: Sequence[ShipLine] | None, reference: str | None
    ) -> bytes:
        """The reservation as JSON.

        Raises NotFound, Conflict (`reservation_state`, `ship_exceeds_reserved`, `reference_reused`).
        """
        wanted = None if lines is None else demand((line.sku, line.location_id, line.quantity) for line in lines)

        def ship(reservation: Reservation, now: datetime) -> list[Movement]:
            return rules.ship(reservation, wanted, now)

        async with self._db.write() as tx:
            # The reservation first, as everywhere; then two parcels of one reference wait for each other here.
            held = (await repository.lock(tx, [reservation_id])).get(reservation_id)
            if held is None or not caller.sees(held.owner_id):
                raise no_reservation(reservation_id)
            document = Document("shipment", held.owner_id, f"{reservation_id}:{reference}" if reference else None)
            body = [] if wanted is None else sorted([sku, place or "", units] for (sku, place), units in wanted.items())
            earlier = await document.register(tx, body, self._clock.now())
            if earlier is not None:
                return orjson.dumps(earlier)
            answer = await self._step(tx, Step(caller, reservation_id, ship, None))
            await document.keep(tx, orjson.loads(answer))
            return answer

    async def _step(self, tx: Transaction, step: Step) -> bytes:
        (result,) = await self._settling.batch(tx, [step])
        if isinstance(result, Exception):
            raise result
        return result
