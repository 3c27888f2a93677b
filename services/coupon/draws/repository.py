"""The SQL of the draws."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Select, case, func, insert, select, update

from services.coupon.draws.models import Draw, DrawPrize, DrawTicket
from services.coupon.draws.schemas import TicketView
from shared.db import Transaction, one_of
from shared.web import Caller, Page, Paging, filtered, offered, page_of, visible


class Ticket(NamedTuple):
    """A ticket with the name of what was given."""

    draw_id: str
    number: int
    customer_id: str
    ticket_ref: str | None
    drawn: int | None
    prize: int | None
    prize_name: str | None
    reason: str | None
    coupon_id: str | None
    chain: str
    created_at: datetime


class _Drawn(NamedTuple):
    number: int
    customer_id: str


class _Counted(NamedTuple):
    total: int
    today: int


async def page(tx: Transaction, paging: Paging, status: str | None) -> Page[Draw]:
    """Draws, newest first."""
    chosen = filtered(select(Draw.table), {Draw.c.status: status})
    chosen = offered(chosen, Draw.c.owner_id, paging.caller)
    return await page_of(tx, Draw, chosen, Draw.c.id, paging, lambda row: row)


async def find(tx: Transaction, caller: Caller, draw_id: str) -> Draw | None:
    """The draw as it is; not locked."""
    return await tx.row(Draw, _offered(caller, draw_id))


async def find_own(tx: Transaction, caller: Caller, draw_id: str) -> Draw | None:
    """The same, if the caller may change it."""
    return await tx.row(Draw, visible(select(Draw.table).where(Draw.c.id == draw_id), Draw.c.owner_id, caller))


async def lock(tx: Transaction, caller: Caller, draw_id: str) -> Draw | None:
    """The draw, locked until the end of the transaction: its tickets come one after the other."""
    return await tx.row(Draw, _offered(caller, draw_id).with_for_update())


def _offered(caller: Caller, draw_id: str) -> Select[Any]:
    return offered(select(Draw.table).where(Draw.c.id == draw_id), Draw.c.owner_id, caller)


async def insert_draw(tx: Transaction, row: dict[str, Any], prizes: Sequence[dict[str, Any]]) -> None:
    """Store a new draw with its prizes."""
    await tx.run(insert(Draw.table), row)
    await tx.run(insert(DrawPrize.table), prizes)


async def close(tx: Transaction, draw_id: str, now: datetime) -> None:
    """End the draw, unless that was done before."""
    still_open = (Draw.c.id == draw_id) & (Draw.c.status == "open")
    await tx.run(update(Draw.table).where(still_open).values(status="closed", closed_at=now, updated_at=now))


async def prizes(tx: Transaction, draw_ids: Sequence[str]) -> dict[str, list[DrawPrize]]:
    """The prizes of each draw, by their places."""
    found: dict[str, list[DrawPrize]] = {draw_id: [] for draw_id in draw_ids}
    if found:
        chosen = select(DrawPrize.table).where(one_of(DrawPrize.c.draw_id, draw_ids))
        for row in await tx.rows(DrawPrize, chosen.order_by(DrawPrize.c.draw_id, DrawPrize.c.place)):
            found[row.draw_id].append(row)
    return found


async def take_prize(tx: Transaction, prize: DrawPrize, change: int) -> bool:
    """Take one of the prize (1), or give it back (-1). False when none is left."""
    same = (DrawPrize.c.draw_id == prize.draw_id) & (DrawPrize.c.place == prize.place)
    left = DrawPrize.c.quantity.is_(None) | (DrawPrize.c.awarded + change <= DrawPrize.c.quantity)
    taken = update(DrawPrize.table).where(same, left).values(awarded=DrawPrize.c.awarded + change)
    return await tx.run(taken) == 1


async def find_ticket(tx: Transaction, caller: Caller, draw_id: str, number: int) -> Ticket | None:
    """One ticket of the draw."""
    chosen = _tickets(draw_id).where(DrawTicket.c.number == number)
    return await tx.row(Ticket, visible(chosen, DrawTicket.c.owner_id, caller))


async def page_tickets(tx: Transaction, paging: Paging, draw_id: str, customer_id: str | None) -> Page[TicketView]:
    """The tickets of a draw, by number."""
    chosen = filtered(_tickets(draw_id), {DrawTicket.c.customer_id: customer_id})
    chosen = visible(chosen, DrawTicket.c.owner_id, paging.caller)
    return await page_of(tx, Ticket, chosen, DrawTicket.c.number, paging.ascending(), TicketView.model_validate)


async def whole_tickets(tx: Transaction, draw_id: str, after: int, last: int, limit: int) -> list[DrawTicket]:
    """The tickets of a draw behind the number `after`, up to the number `last`, as they are stored."""
    numbers = (DrawTicket.c.number > after) & (DrawTicket.c.number <= last)
    chosen = select(DrawTicket.table).where(DrawTicket.c.draw_id == draw_id, numbers)
    return await tx.rows(DrawTicket, chosen.order_by(DrawTicket.c.number).limit(limit))


async def of_reference(tx: Transaction, owner_id: str, draw_id: str, ticket_ref: str) -> tuple[int, str] | None:
    """The number of the ticket that was drawn for this reference of the owner's, and whose it is."""
    same = (DrawTicket.c.draw_id == draw_id) & (DrawTicket.c.ticket_ref == ticket_ref)
    chosen = select(DrawTicket.c.number, DrawTicket.c.customer_id)
    return await tx.row(_Drawn, chosen.where(same, DrawTicket.c.owner_id == owner_id))


async def drawn_before(tx: Transaction, draw_id: str, customer_id: str, day: str) -> tuple[int, int]:
    """How many tickets the customer has had: in all, and on this day."""
    mine = (DrawTicket.c.draw_id == draw_id) & (DrawTicket.c.customer_id == customer_id)
    today = func.coalesce(func.sum(case((DrawTicket.c.day == day, 1), else_=0)), 0)
    counted = select(func.count().label("total"), today.label("today")).where(mine)
    row = (await tx.rows(_Counted, counted))[0]
    return row.total, int(row.today)


async def insert_ticket(tx: Transaction, draw: Draw, ticket: dict[str, Any]) -> None:
    """Store the next ticket of a draw whose row is held; its counter and its chain of hashes move with it."""
    await tx.run(insert(DrawTicket.table), ticket)
    counted = (Draw.c.id == draw.id) & (Draw.c.tickets == draw.tickets)
    values = {"tickets": ticket["number"], "chain": ticket["chain"], "updated_at": ticket["created_at"]}
    await tx.run(update(Draw.table).where(counted).values(**values))


def _tickets(draw_id: str) -> Select[Any]:
    same = (DrawPrize.c.draw_id == DrawTicket.c.draw_id) & (DrawPrize.c.place == DrawTicket.c.prize)
    columns = [DrawPrize.c.name.label(name) if name == "prize_name" else DrawTicket.c[name] for name in Ticket._fields]
    chosen = select(*columns).join_from(DrawTicket.table, DrawPrize.table, same, isouter=True)
    return chosen.where(DrawTicket.c.draw_id == draw_id)
