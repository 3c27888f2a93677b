"""Use cases of the merchant: make a draw, look at it, close it and reveal its seed."""

import secrets
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, insert, select, update

from services.coupon.draws import repository
from services.coupon.draws.models import Draw, DrawPrize
from services.coupon.draws.rules import ALGORITHM, seed_hash
from services.coupon.draws.schemas import DrawIn, DrawView, PrizeView, TicketLimits, Window
from services.coupon.templates import repository as templates
from shared.db import Transaction
from shared.ids import new_id
from shared.service import Kit
from shared.web import NotFound, Page, Paging, fetch_page, invalid


class Draws:
    """What merchants do with draws."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    async def create(self, body: DrawIn) -> DrawView:
        """Store a draw with a fresh seed, and publish the seed's hash."""
        now, draw_id, seed = self._kit.clock.now(), new_id("drw"), secrets.token_hex(32)
        row = {
            "id": draw_id,
            "name": body.name,
            "status": "open",
            "algorithm": ALGORITHM,
            "seed": seed,
            "seed_hash": seed_hash(seed),
            "chain": seed_hash(seed),
            "tickets": 0,
            **body.limits.model_dump(),
            "starts_at": body.window.from_,
            "ends_at": body.window.until,
            "created_at": now,
            "updated_at": now,
        }
        async with self._kit.db.write() as tx:
            for place, prize in enumerate(body.prizes):
                if prize.template_id is not None and await templates.find(tx, prize.template_id) is None:
                    pointer = f"#/prizes/{place}/template_id"
                    raise invalid(pointer, "unknown_template", "There is no coupon template with this id.")
            await tx.execute(insert(Draw.table), row)
            await tx.execute(insert(DrawPrize.table), _prize_rows(draw_id, body))
            return await self._view(tx, draw_id)

    async def get(self, draw_id: str) -> DrawView:
        async with self._kit.db.read() as tx:
            return await self._view(tx, draw_id)

    async def page(self, paging: Paging, status: str | None) -> Page[DrawView]:
        chosen = select(Draw.table)
        if status is not None:
            chosen = chosen.where(Draw.c.status == status)
        async with self._kit.db.read() as tx:
            rows = await fetch_page(tx, chosen, Draw.c.id, paging, lambda row: row)
            prizes = await repository.prizes(tx, [row.id for row in rows.data])
        views = [_view(row, prizes[row.id]) for row in rows.data]
        return Page[DrawView](data=views, has_more=rows.has_more, next_cursor=rows.next_cursor)

    async def close(self, draw_id: str) -> DrawView:
        """No more tickets; the seed is told. Again: nothing changes."""
        now = self._kit.clock.now()
        async with self._kit.db.write() as tx:
            still_open = (Draw.c.id == draw_id) & (Draw.c.status == "open")
            await tx.execute(
                update(Draw.table).where(still_open).values(status="closed", closed_at=now, updated_at=now)
            )
            return await self._view(tx, draw_id)

    async def _view(self, tx: Transaction, draw_id: str) -> DrawView:
        row = await repository.draw(tx, draw_id)
        if row is None:
            raise unknown_draw()
        return _view(row, (await repository.prizes(tx, [draw_id]))[draw_id])


def unknown_draw() -> NotFound:
    return NotFound("not_found", "There is no draw with this id.")


def _prize_rows(draw_id: str, body: DrawIn) -> list[dict[str, Any]]:
    places = {prize.name: place for place, prize in enumerate(body.prizes)}
    return [
        {
            **prize.model_dump(),
            "draw_id": draw_id,
            "place": place,
            "fallback": None if prize.fallback is None else places[prize.fallback],
            "awarded": 0,
        }
        for place, prize in enumerate(body.prizes)
    ]


def _view(row: Row[Any], prizes: Sequence[Row[Any]]) -> DrawView:
    names = {prize.place: prize.name for prize in prizes}
    shown = [PrizeView(**{**prize._mapping, "fallback": names.get(prize.fallback)}) for prize in prizes]
    return DrawView(
        id=row.id,
        name=row.name,
        status=row.status,
        window=Window(from_=row.starts_at, until=row.ends_at),
        prizes=shown,
        limits=TicketLimits(per_customer=row.per_customer, per_day=row.per_day),
        algorithm=row.algorithm,
        seed_hash=row.seed_hash,
        seed=row.seed if row.status == "closed" else None,
        tickets=row.tickets,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
