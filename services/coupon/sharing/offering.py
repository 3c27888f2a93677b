"""Use cases of the merchant: offers for sharing, and how they go."""

from typing import Any

from sqlalchemy import Row, insert, select, update

from services.coupon.sharing import repository
from services.coupon.sharing.models import ShareOffer
from services.coupon.sharing.schemas import ShareOfferIn, ShareOfferPatch, ShareOfferView
from services.coupon.templates import repository as templates
from shared.db import Transaction
from shared.ids import new_id
from shared.service import Kit
from shared.web import NotFound, Page, Paging, fetch_page, invalid


class ShareOffers:
    """What merchants do with offers for sharing."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    async def create(self, body: ShareOfferIn) -> ShareOfferView:
        now = self._kit.clock.now()
        offer_id = new_id("sho")
        async with self._kit.db.write() as tx:
            for field in ("reward_template_id", "friend_template_id"):
                template_id = getattr(body, field)
                if template_id is not None and await templates.find(tx, template_id) is None:
                    raise invalid(f"#/{field}", "unknown_template", "There is no coupon template with this id.")
            row = {**body.model_dump(), "id": offer_id, "created_at": now, "updated_at": now}
            await tx.execute(insert(ShareOffer.table), row)
            return await self._view(tx, offer_id)

    async def get(self, offer_id: str) -> ShareOfferView:
        async with self._kit.db.read() as tx:
            return await self._view(tx, offer_id)

    async def page(self, paging: Paging, status: str | None) -> Page[ShareOfferView]:
        chosen = select(ShareOffer.table)
        if status is not None:
            chosen = chosen.where(ShareOffer.c.status == status)
        async with self._kit.db.read() as tx:
            rows = await fetch_page(tx, chosen, ShareOffer.c.id, paging, lambda row: row)
            figures = await repository.figures(tx, [row.id for row in rows.data])
        views = [_view(row, figures.get(row.id, (0, 0, 0))) for row in rows.data]
        return Page[ShareOfferView](data=views, has_more=rows.has_more, next_cursor=rows.next_cursor)

    async def change(self, offer_id: str, patch: ShareOfferPatch) -> ShareOfferView:
        given = {key: value for key, value in patch.model_dump(exclude_unset=True).items() if value is not None}
        async with self._kit.db.write() as tx:
            values = {**given, "updated_at": self._kit.clock.now()}
            await tx.execute(update(ShareOffer.table).where(ShareOffer.c.id == offer_id).values(**values))
            return await self._view(tx, offer_id)

    async def _view(self, tx: Transaction, offer_id: str) -> ShareOfferView:
        row = await repository.offer(tx, offer_id)
        if row is None:
            raise unknown_offer()
        return _view(row, (await repository.figures(tx, [offer_id])).get(offer_id, (0, 0, 0)))


def unknown_offer() -> NotFound:
    return NotFound("not_found", "There is no share offer with this id.")


def _view(row: Row[Any], figures: tuple[int, int, int]) -> ShareOfferView:
    shares, completed, helps = figures
    return ShareOfferView(**{**row._mapping, "shares": shares, "completed": completed, "helps": helps})
