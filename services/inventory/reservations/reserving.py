"""Reserving: many orders share one transaction, each gets an answer of its own, first come first served.

A batch is seven statements whatever its size: find the orders that are known, lock the levels (in one global order), insert
reservations, lines, movements, change the levels, insert the messages. Nothing is decided on a level before it is locked, and
the transaction ends right after the writing, so a hot row is held as briefly as a batch allows.

An order that is known is answered with its reservation as long as that one lives. One that ran out is released, and the order
reserves anew, in the same transaction; of two that do so at once the unique turn lets one through, and the other finds it.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import timedelta

from services.inventory.ledger.posting import Ledger, News, Posting
from services.inventory.ledger.rules import SYSTEM, By
from services.inventory.locations.management import Locations
from services.inventory.locations.problems import location_closed
from services.inventory.reservations import problems, repository, rules
from services.inventory.reservations.placement import Demand, Placed, Shortage, place
from services.inventory.reservations.repository import OrderKey
from services.inventory.reservations.rules import Reservation
from services.inventory.reservations.sweeper import ReservationSweeper, StockOverdue
from services.inventory.reservations.views import Reply, event, reservation_json
from shared.batching import Again, GroupCommit
from shared.contracts.inventory import ReservationExpired, ReservationHeld
from shared.db import Transaction
from shared.ids import new_id
from shared.service import Kit
from shared.web import Conflict, FieldError, Keyed, Problem, Submission, Unavailable, Unprocessable, fingerprint

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
    actor: str
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


class Past:
    """The last reservations, locked, of orders that ask again and hold nothing, in a batch's posting. Of those beyond their
    time the stock goes back at once.
    """

    def __init__(self, reservations: Iterable[Reservation], posting: Posting) -> None:
        self._before = [(reservation, reservation.version) for reservation in reservations]
        self._now = posting.now
        self.news: list[News] = []
        for reservation, _ in self._before:
            movements = rules.expire(reservation, self._now)
            if movements:
                posting.move(movements, SYSTEM)
                self.news.append(News(event(ReservationExpired, reservation, movements)))

    def followed(self, reservation: Reservation | None) -> int:
        """The turn of the reservation that follows. The one before it is released: a late confirm of it is refused from now on,
        so that an order never holds twice.
        """
        if reservation is None:
            return 1
        rules.release(reservation, None, self._now)
        return reservation.turn + 1

    def changed(self) -> list[tuple[Reservation, int]]:
        """Those that are to be written, each with the version that it had."""
        return [(reservation, was) for reservation, was in self._before if reservation.version != was]


class Reserving:
    """`POST /v1/reservations`."""

    def __init__(
        self, kit: Kit, ledger: Ledger, locations: Locations, sweeper: ReservationSweeper, max_batch: int
    ) -> None:
        self._clock = kit.clock
        self._locations = locations
        self._ledger = ledger
        self._sweeper = sweeper
        work: Keyed[Order, Reply] = Keyed(kit, self.batch, lambda reply: reply.body)
        self._group: GroupCommit[Submission[Order], Reply] = GroupCommit(
            "reservations", kit.db, work, max_batch=max_batch
        )

    def running(self) -> AbstractAsyncContextManager[None]:
        """Requests are answered inside the block."""
        return self._group.running()

    async def reserve(self, wanted: Submission[Order]) -> Reply:
        """The held reservation, durable.

        Raises Conflict (`insufficient_stock`, `location_closed`, `order_already_reserved`, `order_already_shipped`).
        """
        for _ in range(_TRIES):
            try:
                return await self._group.submit(wanted)
            except StockOverdue:
                await self._sweeper.sweep_all()
                wanted = wanted._replace(request=replace(wanted.request, swept=True))
            except Again:
                continue
        raise Unavailable(
            "hot_order", "Several processes are reserving for this order_id at once. Send the request again."
        )

    async def batch(self, tx: Transaction, orders: Sequence[Order]) -> Sequence[Reply | Exception]:
        """One transaction's work."""
        last = await repository.lock_orders(tx, [order.key for order in orders])
        now = self._clock.now()
        living = {key: one for key, one in last.items() if one.lives(now)}
        past = {key: one for key, one in last.items() if key not in living}
        posting = await self._lock(tx, [order for order in orders if order.key not in living], past.values())
        before = Past(past.values(), posting)
        results: list[Reply | Exception | Shortage] = []
        fresh: dict[OrderKey, tuple[Reservation, Order]] = {}
        for order in orders:
            earlier = living.get(order.key) or (fresh[order.key][0] if order.key in fresh else None)
            if earlier:
                results.append(_again(earlier, order))
                continue
            places = place(order.wanted, posting.levels, posting.by_sku)
            if isinstance(places, Shortage):
                results.append(places)
                continue
            reservation = _held(order, places, posting, before.followed(past.get(order.key)))
            fresh[order.key] = (reservation, order)
            results.append(Reply(reservation_json(reservation)))
        await self._write(tx, posting, list(fresh.values()), before)
        return await self._explain(tx, orders, results, posting)

    async def _lock(self, tx: Transaction, orders: Sequence[Order], past: Iterable[Reservation]) -> Posting:
        wanted = {key for order in orders for key in order.wanted}
        overdue = [line for reservation in past if reservation.status == "held" for line in reservation.lines]
        return await self._ledger.open(
            tx,
            keys=[
                *((sku, location_id) for sku, location_id in wanted if location_id is not None),
                *((line.sku, line.location_id) for line in overdue),
            ],
            skus=[sku for sku, location_id in wanted if location_id is None],
        )

    async def _write(
        self, tx: Transaction, posting: Posting, fresh: Sequence[tuple[Reservation, Order]], past: Past
    ) -> None:
        await repository.update_reservations(tx, past.changed())
        reservations = [reservation for reservation, _ in fresh]
        written = await repository.insert_reservations(tx, reservations)
        if len(written) < len(reservations):
            raise Again  # another process reserved for one of these orders at the same moment
        repository.insert_lines(tx, reservations)
        held = [
            News(event(ReservationHeld, reservation, reservation.lines), order.correlation)
            for reservation, order in fresh
        ]
        await self._ledger.write(tx, posting, [*past.news, *held])

    async def _explain(
        self,
        tx: Transaction,
        orders: Sequence[Order],
        results: Sequence[Reply | Exception | Shortage],
        posting: Posting,
    ) -> list[Reply | Exception]:
        """Turn shortages into problems; the two extra questions are asked once per batch, and only when one is short."""
        shortages = [result for result in results if isinstance(result, Shortage)]
        if not shortages:
            return [result for result in results if not isinstance(result, Shortage)]
        overdue = await repository.any_due(tx, posting.now)
        named = {line.location_id for shortage in shortages for line in shortage.lines if line.location_id}
        active = {level.location_id: level.active for level in posting.levels.values()}
        active |= await self._locations.active(tx, sorted(named - active.keys()))
        return [
            _refusal(order, result, active, overdue) if isinstance(result, Shortage) else result
            for order, result in zip(orders, results, strict=True)
        ]


def _held(order: Order, places: Sequence[Placed], posting: Posting, turn: int) -> Reservation:
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
        turn=turn,
    )
    posting.move(rules.hold(reservation), By(order.actor))
    return reservation


def _again(earlier: Reservation, order: Order) -> Reply | Problem:
    if earlier.status == "shipped":
        return problems.shipped_before(earlier.id)
    if earlier.fingerprint != order.fingerprint():
        return problems.reserved_otherwise(earlier.id)
    return Reply(reservation_json(earlier), replayed=True)


def _refusal(order: Order, shortage: Shortage, active: Mapping[str, bool], overdue: bool) -> Exception:
    """``active``: of every place that a short line names, whether it sells; those that are nobody's are missing."""
    named = [(place, f"#/lines/{number}/location_id") for number, (_, place, _) in enumerate(order.lines) if place]
    nowhere = [pointer for place, pointer in named if place not in active]
    if nowhere:
        return _unknown_location(nowhere)
    lines = [_short_line(line.sku, line.location_id, line.requested, line.available) for line in shortage.lines]
    closed = [(place, pointer) for place, pointer in named if not active[place]]
    if closed:
        return location_closed(closed, lines=lines)
    if overdue and not order.swept:
        return StockOverdue()
    return Conflict(
        "insufficient_stock",
        "Nothing was reserved: there is less available than the lines ask for. Lower the quantities to `available`.",
        lines=lines,
    )


def _unknown_location(pointers: Sequence[str]) -> Problem:
    advice = "There is no such location. Create it with POST /v1/locations, or leave location_id out."
    errors = [FieldError(pointer=pointer, code="unknown_location", detail=advice) for pointer in pointers]
    return Unprocessable("unknown_location", f"{errors[0].pointer}: {advice}", errors=errors[:50])


def _short_line(sku: str, location_id: str | None, requested: int, available: int) -> Mapping[str, str | int]:
    place = {"location_id": location_id} if location_id else {}
    return {"sku": sku, **place, "requested": requested, "available": available}
