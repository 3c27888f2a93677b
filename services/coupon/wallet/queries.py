"""Use cases of looking: a customer's wallet, one coupon with its ledger."""

from collections.abc import Sequence

from services.coupon.templates.cache import TermsCache
from services.coupon.wallet import repository
from services.coupon.wallet.repository import ShownCoupon
from services.coupon.wallet.schemas import CouponDetail, CouponView, EntryView
from services.coupon.wallet.views import coupon_view
from shared.db import Transaction
from shared.service import Kit
from shared.web import Caller, NotFound, Page, Paging


class Wallet:
    """What customers and merchants see of coupons."""

    def __init__(self, kit: Kit, terms_cache: TermsCache) -> None:
        self._kit = kit
        self._terms_cache = terms_cache

    async def page(
        self, caller: Caller, paging: Paging, customer_id: str | None, status: str | None, template_id: str | None
    ) -> Page[CouponView]:
        """Coupons, newest first. An end-user's token sees its own customer's only."""
        if customer_id is not None:
            caller.require_customer(customer_id)
        owner = caller.customer_id or customer_id
        async with self._kit.db.read() as tx:
            rows = await repository.page(tx, paging, self._kit.clock.now(), status, owner, template_id)
            views = await self._views(tx, rows.data)
        return Page[CouponView](data=views, has_more=rows.has_more, next_cursor=rows.next_cursor)

    async def read(self, caller: Caller, coupon_id: str) -> CouponDetail:
        """One coupon with its ledger. Raises NotFound, also for somebody else's."""
        async with self._kit.db.read() as tx:
            return await self.detail(tx, caller, coupon_id)

    async def detail(self, tx: Transaction, caller: Caller, coupon_id: str) -> CouponDetail:
        """The same, within a transaction."""
        rows = await repository.shown(tx, [coupon_id], self._kit.clock.now())
        if not rows or not caller.sees(rows[0].owner_id):
            raise NotFound("not_found", "There is no coupon with this id.")
        caller.require_customer(rows[0].customer_id)
        view = (await self._views(tx, rows))[0]
        ledger = [EntryView.model_validate(entry) for entry in await repository.entries(tx, coupon_id)]
        holder = rows[0].checkout_id if rows[0].status == "locked" else None
        return CouponDetail(**dict(view), checkout_id=holder, ledger=ledger)

    async def views(self, tx: Transaction, coupon_ids: Sequence[str]) -> dict[str, CouponView]:
        """These coupons as their owners see them, by id."""
        if not coupon_ids:
            return {}
        rows = await repository.shown(tx, coupon_ids, self._kit.clock.now())
        return {view.id: view for view in await self._views(tx, rows)}

    async def _views(self, tx: Transaction, rows: Sequence[ShownCoupon]) -> list[CouponView]:
        now = self._kit.clock.now()
        snapshots = await self._terms_cache.load(tx, {(row.template_id, row.terms_version) for row in rows})
        return [coupon_view(row, snapshots[row.template_id, row.terms_version], now) for row in rows]
