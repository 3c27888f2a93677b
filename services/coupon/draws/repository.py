"""The SQL of the draws."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, Select, case, func, select, update

from services.coupon.draws.models import Draw, DrawPrize, DrawTicket
from services.coupon.statements import padded
from shared.db import Transaction, table

DRAW = table(Draw)
PRIZE = table(DrawPrize)
TICKET = table(DrawTicket)


async def draw(tx: Transaction, draw_id: str, *, hold: bool = False) -> Row[Any] | None:
    """`hold` locks the draw until the end of the transaction: its tickets come one after the other."""
    chosen = select(DRAW).where(DRAW.c.id == draw_id)
    return (await tx.execute(chosen.with_for_update() if hold else chosen)).one_or_none()


async def prizes(tx: Transaction, draw_ids: Sequence[str]) -> dict[str, list[Row[Any]]]:
    """The prizes of each draw, by their places."""
    found: dict[str, list[Row[Any]]] = {draw_id: [] for draw_id in draw_ids}
    if found:
        chosen = select(PRIZE).where(PRIZE.c.draw_id.in_(padded(draw_ids))).order_by(PRIZE.c.draw_id, PRIZE.c.place)
        for row in await tx.execute(chosen):
            found[row.draw_id].append(row)
    return found


def tickets(draw_id: str) -> Select[Any]:
    """A draw's tickets with the names of what was given."""
    same = (PRIZE.c.draw_id == TICKET.c.draw_id) & (PRIZE.c.place == TICKET.c.prize)
    chosen = select(TICKET, PRIZE.c.name.label("prize_name")).join_from(TICKET, PRIZE, same, isouter=True)
    return chosen.where(TICKET.c.draw_id == draw_id)


async def drawn_before(tx: Transaction, draw_id: str, customer_id: str, day: str) -> tuple[int, int]:
    """How many tickets the customer has had: in all, and on this day."""
    mine = (TICKET.c.draw_id == draw_id) & (TICKET.c.customer_id == customer_id)
    today = func.coalesce(func.sum(case((TICKET.c.day == day, 1), else_=0)), 0)
    row = (await tx.execute(select(func.count().label("all"), today.label("today")).where(mine))).one()
    return row.all, int(row.today)


async def take(tx: Transaction, prize: Row[Any], change: int) -> bool:
    """Take one of the prize (1), or give it back (-1). False when none is left."""
    same = (PRIZE.c.draw_id == prize.draw_id) & (PRIZE.c.place == prize.place)
    left = PRIZE.c.quantity.is_(None) | (PRIZE.c.awarded + change <= PRIZE.c.quantity)
    changed = await tx.execute(update(PRIZE).where(same, left).values(awarded=PRIZE.c.awarded + change))
    return changed.rowcount == 1
