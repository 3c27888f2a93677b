"""Use cases of the merchant: make a draw, look at it, close it and reveal its seed."""

import secrets
from typing import Any

from services.coupon.draws import repository
from services.coupon.draws.rules import ALGORITHM, seed_hash
from services.coupon.draws.schemas import DrawIn, DrawView
from services.coupon.draws.views import draw_view
from services.coupon.templates.queries import read_lasting
from shared.db import Transaction
from shared.ids import new_id
from shared.service import Kit
from shared.web import Caller, NotFound, Page, Paging
from shared.web.ends import refuse_passed


class Draws:
    """What merchants do with draws."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    async def create(self, caller: Caller, body: DrawIn) -> DrawView:
        """Store a draw with a fresh seed, and publish the seed's hash."""
        now, draw_id, seed = self._kit.clock.now(), new_id("drw"), secrets.token_hex(32)
        refuse_passed("#/window/until", body.window.until, now, "Give the draw a window that is still to come.")
        row = {
            "id": draw_id,
            "owner_id": caller.owner_id,
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
                if prize.template_id is not None:
                    opens = max(now, body.window.from_)
                    await read_lasting(tx, caller, prize.template_id, f"#/prizes/{place}/template_id", opens)
            await repository.insert_draw(tx, row, _prize_rows(draw_id, body))
            return await self._view(tx, caller, draw_id)

    async def read(self, caller: Caller, draw_id: str) -> DrawView:
        """One draw. Raises NotFound, also for another partner's."""
        async with self._kit.db.read() as tx:
            return await self._view(tx, caller, draw_id)

    async def page(self, paging: Paging, status: str | None) -> Page[DrawView]:
        """Draws, newest first."""
        async with self._kit.db.read() as tx:
            rows = await repository.page(tx, paging, status)
            prizes = await repository.prizes(tx, [row.id for row in rows.data])
        views = [draw_view(row, prizes[row.id]) for row in rows.data]
        return Page[DrawView](data=views, has_more=rows.has_more, next_cursor=rows.next_cursor)

    async def close(self, caller: Caller, draw_id: str) -> DrawView:
        """No more tickets; the seed is told. Again: nothing changes."""
        async with self._kit.db.write() as tx:
            if await repository.find_own(tx, caller, draw_id) is None:
                raise unknown_draw()
            await repository.close(tx, draw_id, self._kit.clock.now())
            return await self._view(tx, caller, draw_id)

    async def _view(self, tx: Transaction, caller: Caller, draw_id: str) -> DrawView:
        row = await repository.find(tx, caller, draw_id)
        if row is None:
            raise unknown_draw()
        return draw_view(row, (await repository.prizes(tx, [draw_id]))[draw_id])


def unknown_draw() -> NotFound:
    """The answer about a draw that there is not."""
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
