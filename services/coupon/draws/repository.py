"""The SQL of the draws."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, Select, case, func, select, update

from services.coupon.draws.models import Draw, DrawPrize, DrawTicket
from services.coupon.statements import padded
from shared.db import Transaction


async def draw(tx: Transaction, draw_id: str, *, hold: bool = False) -> Row[Any] | None:
    """`hold` locks the draw until the end of the transaction: its tickets come one after the other."""
    chosen = select(Draw.table).where(Draw.c.id == draw_id)
    return (await tx.execute(chosen.with_for_update() if hold else chosen)).one_or_none()


async def prizes(tx: Transaction, draw_ids: Sequence[str]) -> dict[str, list[Row[Any]]]:
    """The prizes of each draw, by their places."""
    found: dict[str, list[Row[Any]]] = {draw_id: [] for draw_id in draw_ids}
    if found:
        chosen = (
            select(DrawPrize.table)
            .where(DrawPrize.c.draw_id.in_(padded(draw_ids)))
            .order_by(DrawPrize.c.draw_id, DrawPrize.c.place)
        )
        for row in await tx.execute(chosen):
            found[row.draw_id].append(row)
    return found


def tickets(draw_id: str) -> Select[Any]:
    """A draw's tickets with the names of what was given."""
    same = (DrawPrize.c.draw_id == DrawTicket.c.draw_id) & (DrawPrize.c.place == DrawTicket.c.prize)
    chosen = select(DrawTicket.table, DrawPrize.c.name.label("prize_name")).join_from(
        DrawTicket.table, DrawPrize.table, same, isouter=True
    )
    return chosen.where(DrawTicket.c.draw_id == draw_id)


async def drawn_before(tx: Transaction, draw_id: str, customer_id: str, day: str) -> tuple[int, int]:
    """How many tickets the customer has had: in all, and on this day."""
    mine = (DrawTicket.c.draw_id == draw_id) & (DrawTicket.c.customer_id == customer_id)
    today = func.coalesce(func.sum(case((DrawTicket.c.day == day, 1), else_=0)), 0)
    row = (await tx.execute(select(func.count().label("all"), today.label("today")).where(mine))).one()
    return row.all, int(row.today)


async def take(tx: Transaction, prize: Row[Any], change: int) -> bool:
    """Take one of the prize (1), or give it back (-1). False when none is left."""
    same = (DrawPrize.c.draw_id == prize.draw_id) & (DrawPrize.c.place == prize.place)
    left = DrawPrize.c.quantity.is_(None) | (DrawPrize.c.awarded + change <= DrawPrize.c.quantity)
    changed = await tx.execute(update(DrawPrize.table).where(same, left).values(awarded=DrawPrize.c.awarded + change))
    return changed.rowcount == 1
