"""Reserving: many orders share one transaction, each gets an answer of its own, first come first served.

A batch is seven statements whatever its size: find the orders that are known, lock the levels (in one global order), insert
reservations, lines, movements, change the levels, insert the messages. Nothing is decided on a level before it is locked, and
the transaction ends right after the writing, so a hot row is held as briefly as a batch allows.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import timedelta

from services.inventory.ledger.posting import Ledger, News, Posting
from services.inventory.locations.management import Locations
from services.inventory.reservations import repository, rules
from services.inventory.reservations.placement import Demand, Placed, Shortage, place
from services.inventory.reservations.repository import OrderKey
from services.inventory.reservations.rules import Reservation
from services.inventory.reservations.sweeper import ReservationSweeper, StockOverdue
from services.inventory.reservations.views import event, reservation_json
from shared.batching import Again, GroupCommit
from shared.contracts.inventory import ReservationHeld
from shared.db import Transaction
from shared.ids import new_id
from shared.service import Kit
from shared.web import Conflict, FieldError, Problem, Unavailable, Unprocessable, fingerprint

_TRIES = 3


@dataclass(frozen=True, slots=True)
class Order:
    """A request to reserve. `lines` are (sku, location or None, units) as asked, `wanted` their sums."""

    owner_id: str
    order_id: str
    channel: str
    ttl_seconds: int
    lines: Sequence[tuple[str, str | None, int]]
    wanted: Demand
    correlation: str | None = None
    swept: bool = False

    @property
    def key(self) -> OrderKey:
        """By which a reservation is found again."""
        return self.order_id, self.owner_id

    def fingerprint(self) -> str:
        """The same for two requests that ask for the same."""
        lines = sorted(([sku, place or "", units] for (sku, place), units in self.wanted.items()), key=str)
        return fingerprint([self.channel, self.ttl_seconds, lines])


class Reserving:
    """`POST /v1/reservations`."""

    def __init__(
        self, kit: Kit, ledger: Ledger, locations: Locations, sweeper: ReservationSweeper, max_batch: int
    ) -> None:
        self._locations = locations
        self._ledger = ledger
        self._sweeper = sweeper
        self._group: GroupCommit[Order, bytes] = GroupCommit("reservations", kit.db, self.batch, max_batch=max_batch)

    def running(self) -> AbstractAsyncContextManager[None]:
        """Requests are answered inside the block."""
        return self._group.running()

    async def reserve(self, order: Order) -> bytes:
        """The held reservation as JSON, durable. Raises Conflict (`insufficient_stock`, `order_already_reserved`)."""
        for _ in range(_TRIES):
            try:
                return await self._group.submit(order)
            except StockOverdue:
                await self._sweeper.sweep_all()
                order = replace(order, swept=True)
            except Again:
                continue
        raise Unavailable(
            "hot_order", "Several processes are reserving for this order_id at once. Send the request again."
        )

    async def batch(self, tx: Transaction, orders: Sequence[Order]) -> Sequence[bytes | Exception]:
        """One transaction's work."""
        known = await repository.by_order(tx, [order.key for order in orders])
        posting = await self._lock(tx, [order for order in orders if order.key not in known])
        results: list[bytes | Exception | Shortage] = []
        fresh: dict[OrderKey, tuple[Reservation, Order]] = {}
        for order in orders:
            earlier = known.get(order.key) or (fresh[order.key][0] if order.key in fresh else None)
            if earlier:
                results.append(_again(earlier, order))
                continue
            places = place(order.wanted, posting.levels, posting.by_sku)
            if isinstance(places, Shortage):
                results.append(places)
                continue
            reservation = _held(order, places, posting)
            fresh[order.key] = (reservation, order)
            results.append(reservation_json(reservation))
        if fresh:
            await self._write(tx, posting, list(fresh.values()))
        return await self._explain(tx, orders, results, posting)

    async def _lock(self, tx: Transaction, orders: Sequence[Order]) -> Posting:
        wanted = {key for order in orders for key in order.wanted}
        return await self._ledger.open(
            tx,
            keys=[(sku, location_id) for sku, location_id in wanted if location_id is not None],
            skus=[sku for sku, location_id in wanted if location_id is None],
        )

    async def _write(self, tx: Transaction, posting: Posting, fresh: Sequence[tuple[Reservation, Order]]) -> None:
        reservations = [reservation for reservation, _ in fresh]
        written = await repository.insert_reservations(tx, reservations)
        if len(written) < len(reservations):
            raise Again  # another process reserved for one of these orders at the same moment
        await repository.insert_lines(tx, reservations)
        news = [
            News(event(ReservationHeld, reservation, reservation.lines), order.correlation)
            for reservation, order in fresh
        ]
        await self._ledger.write(tx, posting, news)

    async def _explain(
        self,
        tx: Transaction,
        orders: Sequence[Order],
        results: Sequence[bytes | Exception | Shortage],
        posting: Posting,
    ) -> list[bytes | Exception]:
        """Turn shortages into problems; the two extra questions are asked once per batch, and only when one is short."""
        shortages = [result for result in results if isinstance(result, Shortage)]
        if not shortages:
            return [result for result in results if not isinstance(result, Shortage)]
        overdue = await repository.any_due(tx, posting.now)
        named = {line.location_id for shortage in shortages for line in shortage.lines if line.location_id}
        missing = named - {location_id for _, location_id in posting.levels}
        unknown = missing - await self._locations.known(tx, sorted(missing))
        return [
            _refusal(order, result, unknown, overdue) if isinstance(result, Shortage) else result
            for order, result in zip(orders, results, strict=True)
        ]


def _held(order: Order, places: Sequence[Placed], posting: Posting) -> Reservation:
    now = posting.now
    reservation = Reservation(
        id=new_id("rsv"),
        owner_id=order.owner_id,
        order_id=order.order_id,
        channel=order.channel,
        status="held",
        fingerprint=order.fingerprint(),
        ttl_seconds=order.ttl_seconds,
        expires_at=now + timedelta(seconds=order.ttl_seconds),
        created_at=now,
        updated_at=now,
        lines=rules.lines_of(places),
    )
    posting.move(rules.hold(reservation))
    return reservation


def _again(earlier: Reservation, order: Order) -> bytes | Problem:
    if earlier.fingerprint == order.fingerprint():
        return reservation_json(earlier)
    return Conflict(
        "order_already_reserved",
        "This order_id has a reservation with other lines, channel or ttl_seconds. Release it and use a new order_id, "
        "or send the first request unchanged.",
        reservation_id=earlier.id,
    )


def _refusal(order: Order, shortage: Shortage, unknown: set[str], overdue: bool) -> Exception:
    nowhere = [number for number, (_, location_id, _) in enumerate(order.lines) if location_id in unknown]
    if nowhere:
        advice = "There is no such location. Create it with POST /v1/locations, or leave location_id out."
        errors = [
            FieldError(pointer=f"#/lines/{number}/location_id", code="unknown_location", detail=advice)
            for number in nowhere
        ]
        return Unprocessable("unknown_location", f"{errors[0].pointer}: {advice}", errors=errors[:50])
    if overdue and not order.swept:
        return StockOverdue()
    return Conflict(
        "insufficient_stock",
        "Nothing was reserved: there is less available than the lines ask for. Lower the quantities to `available`.",
        lines=[_short_line(line.sku, line.location_id, line.requested, line.available) for line in shortage.lines],
    )


def _short_line(sku: str, location_id: str | None, requested: int, available: int) -> Mapping[str, str | int]:
    place = {"location_id": location_id} if location_id else {}
    return {"sku": sku, **place, "requested": requested, "available": available}
