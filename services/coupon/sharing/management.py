"""Use cases of the merchant: offers for sharing, and how they go."""

from services.coupon.sharing import repository
from services.coupon.sharing.repository import Figures
from services.coupon.sharing.schemas import ShareOfferIn, ShareOfferPatch, ShareOfferView
from services.coupon.sharing.views import offer_view
from services.coupon.templates.queries import read_lasting
from shared.db import Transaction
from shared.ids import new_id
from shared.service import Kit
from shared.web import Caller, NotFound, Page, Paging


class ShareOffers:
    """What merchants do with offers for sharing."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    async def create(self, caller: Caller, body: ShareOfferIn) -> ShareOfferView:
        """A new offer. Raises Unprocessable when it names a template that there is not."""
        now = self._kit.clock.now()
        offer_id = new_id("sho")
        async with self._kit.db.write() as tx:
            for field in ("reward_template_id", "friend_template_id"):
                template_id = getattr(body, field)
                if template_id is not None:
                    await read_lasting(tx, caller, template_id, f"#/{field}", now)
            row = {"id": offer_id, "owner_id": caller.owner_id, "created_at": now, "updated_at": now}
            await repository.insert_offer(tx, {**body.model_dump(), **row})
            return await self._view(tx, caller, offer_id)

    async def read(self, caller: Caller, offer_id: str) -> ShareOfferView:
        """One offer and how it goes. Raises NotFound, also for another partner's."""
        async with self._kit.db.read() as tx:
            return await self._view(tx, caller, offer_id)

    async def page(self, paging: Paging, status: str | None) -> Page[ShareOfferView]:
        """Offers and how they go, newest first."""
        async with self._kit.db.read() as tx:
            rows = await repository.page_offers(tx, paging, status)
            figures = await repository.figures(tx, [row.id for row in rows.data])
        views = [offer_view(row, figures.get(row.id, Figures())) for row in rows.data]
        return Page[ShareOfferView](data=views, has_more=rows.has_more, next_cursor=rows.next_cursor)

    async def change(self, caller: Caller, offer_id: str, patch: ShareOfferPatch) -> ShareOfferView:
        """Rename, pause or activate an offer."""
        async with self._kit.db.write() as tx:
            if await repository.find_own_offer(tx, caller, offer_id) is None:
                raise unknown_offer()
            values = {**patch.given(), "updated_at": self._kit.clock.now()}
            await repository.update_offer(tx, offer_id, values)
            return await self._view(tx, caller, offer_id)

    async def _view(self, tx: Transaction, caller: Caller, offer_id: str) -> ShareOfferView:
        row = await repository.find_offer(tx, caller, offer_id)
        if row is None:
            raise unknown_offer()
        return offer_view(row, (await repository.figures(tx, [offer_id])).get(offer_id, Figures()))


def unknown_offer() -> NotFound:
    """The answer about an offer that there is not."""
    return NotFound("not_found", "There is no share offer with this id.")
