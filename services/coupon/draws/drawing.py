"""Use cases of the tickets: draw one, look at them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.coupon.abuse.cache import ControlsCache
from services.coupon.draws import repository
from services.coupon.draws.management import unknown_draw
from services.coupon.draws.models import Draw, DrawPrize
from services.coupon.draws.repository import Ticket
from services.coupon.draws.rules import RAN_OUT, closed_now, drawn_at, linked, point
from services.coupon.draws.schemas import DrawnView, TicketIn, TicketView
from services.coupon.reasons import explain
from services.coupon.templates import repository as templates
from services.coupon.templates.validity import local_day, next_day
from services.coupon.wallet.granting import Granting
from services.coupon.wallet.queries import Wallet
from services.coupon.wishes import Granted, Origin, Wish
from shared.db import Transaction
from shared.service import Kit
from shared.web import Caller, Client, Conflict, Gone, NotFound, Page, Paging, Problem
from shared.web.schemas import rfc3339

_REFUSALS: dict[str, type[Problem]] = {
    "draw_closed": Gone,
    "draw_ended": Gone,
    "draw_not_started": Conflict,
    "ticket_limit_reached": Conflict,
    "day_limit_reached": Conflict,
    "ticket_ref_taken": Conflict,
}


@dataclass(frozen=True, slots=True)
class _Award:
    """The place of the prize that is given, why it is not the drawn one, and its coupon."""

    prize: int | None = None
    reason: str | None = None
    coupon_id: str | None = None


@dataclass(frozen=True, slots=True)
class _Turn:
    """Whose turn it is, and by whom it was asked for."""

    customer_id: str
    caller: Caller
    origin: Origin
    number: int


class Drawing:
    """Draws tickets, one after the other for each draw."""

    def __init__(self, kit: Kit, granting: Granting, wallet: Wallet, controls: ControlsCache, time_zone: str) -> None:
        self._kit = kit
        self._granting = granting
        self._wallet = wallet
        self._controls = controls
        self._time_zone = time_zone

    async def draw(self, caller: Caller, client: Client, draw_id: str, body: TicketIn) -> DrawnView:
        """The next ticket, or again the one of the same `ticket_ref`."""
        caller.require_customer(body.customer_id)
        origin = await self._controls.origin(client, body.customer_id)
        now = self._kit.clock.now()
        async with self._kit.db.write() as tx:
            draw = await repository.lock(tx, caller, draw_id)
            if draw is None:
                raise unknown_draw()
            earlier = await self._earlier(tx, caller, draw_id, body)
            if earlier is not None:
                return await self._drawn_view(tx, caller, draw_id, earlier)
            day = local_day(now, self._time_zone)
            nth = await self._admit(tx, draw, body.customer_id, day, now)
            turn = _Turn(body.customer_id, caller, origin, draw.tickets + 1)
            prizes = (await repository.prizes(tx, [draw_id]))[draw_id]
            drawn = drawn_at(
                point(draw.seed, draw_id, turn.number, turn.customer_id), [prize.odds_bp for prize in prizes]
            )
            award = await self._award(tx, prizes, drawn, turn)
            ticket = {
                "draw_id": draw_id,
                "number": turn.number,
                "customer_id": turn.customer_id,
                "owner_id": caller.owner_id,
                "nth": nth,
                "day": day,
                "ticket_ref": body.ticket_ref,
                "drawn": drawn,
                "prize": award.prize,
                "reason": award.reason,
                "coupon_id": award.coupon_id,
                "created_at": now,
            }
            ticket["chain"] = linked(draw.chain, ticket)
            await repository.insert_ticket(tx, draw, ticket)
            return await self._drawn_view(tx, caller, draw_id, turn.number)

    async def read(self, caller: Caller, draw_id: str, number: int) -> TicketView:
        """One ticket. Raises NotFound, also for somebody else's."""
        async with self._kit.db.read() as tx:
            row = await self._ticket(tx, caller, draw_id, number)
        caller.require_customer(row.customer_id)
        return TicketView.model_validate(row)

    async def page(self, caller: Caller, draw_id: str, paging: Paging, customer_id: str | None) -> Page[TicketView]:
        """Tickets by number; an end-user sees their own."""
        if customer_id is not None:
            caller.require_customer(customer_id)
        async with self._kit.db.read() as tx:
            if await repository.find(tx, caller, draw_id) is None:
                raise unknown_draw()
            return await repository.page_tickets(tx, paging, draw_id, caller.customer_id or customer_id)

    async def _earlier(self, tx: Transaction, caller: Caller, draw_id: str, body: TicketIn) -> int | None:
        """The number of the ticket that this reference has; of another customer's nothing is told."""
        if body.ticket_ref is None:
            return None
        found = await repository.of_reference(tx, caller.owner_id, draw_id, body.ticket_ref)
        if found is None:
            return None
        number, owner = found
        if owner != body.customer_id:
            raise _refused("ticket_ref_taken")
        return number

    async def _admit(self, tx: Transaction, draw: Draw, customer_id: str, day: str, now: datetime) -> int:
        """The how manieth ticket of the customer this one is. Raises what speaks against it."""
        reason = closed_now(draw.status, draw.starts_at, draw.ends_at, now)
        if reason is not None:
            raise _refused(reason)
        before, today = await repository.drawn_before(tx, draw.id, customer_id, day)
        if draw.per_customer is not None and before >= draw.per_customer:
            raise _refused("ticket_limit_reached")
        if draw.per_day is not None and today >= draw.per_day:
            raise _refused("day_limit_reached", retry_at=rfc3339(next_day(now, self._time_zone)))
        return before + 1

    async def _award(self, tx: Transaction, prizes: list[DrawPrize], drawn: int | None, turn: _Turn) -> _Award:
        """Give the drawn prize or, when it ran out or its coupon is refused, its fallback; else nothing."""
        if drawn is None:
            return _Award()
        spare = prizes[drawn].fallback
        tries = [prizes[drawn]] if spare is None else [prizes[drawn], prizes[spare]]
        # Both templates in one order, before either is granted: nobody waits for us in a circle.
        await templates.lock(tx, sorted({prize.template_id for prize in tries if prize.template_id is not None}))
        reason: str | None = None
        for prize in tries:
            if not await repository.take_prize(tx, prize, 1):
                reason = reason or RAN_OUT
                continue
            if prize.template_id is None:
                return _Award(prize.place, reason)
            answer = await self._grant(tx, prize, prize.template_id, turn)
            if isinstance(answer, Granted):
                return _Award(prize.place, reason, answer.coupon_id)
            reason = reason or answer.code
            await repository.take_prize(tx, prize, -1)
        return _Award(None, reason)

    async def _grant(self, tx: Transaction, prize: DrawPrize, template_id: str, turn: _Turn) -> Granted | Problem:
        wish = Wish(
            template_id=template_id,
            customer_id=turn.customer_id,
            source="draw",
            actor=turn.caller.actor,
            owner_id=turn.caller.owner_id,
            reason=f"drawn: {prize.name}",
            reference=f"{prize.draw_id}:{turn.number}",
            origin=turn.origin,
        )
        return (await self._granting.grant(tx, [wish]))[0]

    async def _drawn_view(self, tx: Transaction, caller: Caller, draw_id: str, number: int) -> DrawnView:
        row = await self._ticket(tx, caller, draw_id, number)
        coupon_id = row.coupon_id
        coupon = None if coupon_id is None else (await self._wallet.views(tx, [coupon_id]))[coupon_id]
        return DrawnView(**row._asdict(), coupon=coupon)

    async def _ticket(self, tx: Transaction, caller: Caller, draw_id: str, number: int) -> Ticket:
        row = await repository.find_ticket(tx, caller, draw_id, number)
        if row is None:
            raise NotFound("not_found", "There is no such ticket.")
        return row


def _refused(code: str, **members: Any) -> Problem:
    reason = explain("day_limit_reached:draw" if code == "day_limit_reached" else code)
    return _REFUSALS[code](code, reason.detail, detail_zh=reason.detail_zh, **members)
