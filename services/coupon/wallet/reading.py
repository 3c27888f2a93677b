"""Use cases of looking: a customer's wallet, one coupon with its ledger."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row

from services.coupon.statements import padded
from services.coupon.templates.repository import TermsBook
from services.coupon.wallet import repository, schemas
from services.coupon.wallet.models import Coupon
from services.coupon.wallet.schemas import CouponDetail, CouponView, EntryView
from shared.db import Transaction
from shared.service import Kit
from shared.web import Caller, NotFound, Page, Paging, fetch_page


class Wallet:
    """What customers and merchants see of coupons."""

    def __init__(self, kit: Kit, book: TermsBook) -> None:
        self._kit = kit
        self._book = book

    async def page(
        self, caller: Caller, paging: Paging, customer_id: str | None, status: str | None, template_id: str | None
    ) -> Page[CouponView]:
        """Coupons, newest first. An end-user's token sees its own customer's only."""
        if customer_id is not None:
            caller.require_customer(customer_id)
        now = self._kit.clock.now()
        chosen = repository.coupons_at(now)
        owner = caller.customer_id or customer_id
        if owner is not None:
            chosen = chosen.where(Coupon.c.customer_id == owner)
        if template_id is not None:
            chosen = chosen.where(Coupon.c.template_id == template_id)
        if status is not None:
            chosen = chosen.where(repository.status_at(now) == status)
        async with self._kit.db.read() as tx:
            rows = await fetch_page(tx, chosen, Coupon.c.id, paging, lambda row: row)
            views = [await self._view(tx, row) for row in rows.data]
        return Page[CouponView](data=views, has_more=rows.has_more, next_cursor=rows.next_cursor)

    async def get(self, caller: Caller, coupon_id: str) -> CouponDetail:
        """One coupon with its ledger. Raises NotFound, also for somebody else's."""
        async with self._kit.db.read() as tx:
            return await self.detail(tx, caller, coupon_id)

    async def detail(self, tx: Transaction, caller: Caller, coupon_id: str) -> CouponDetail:
        chosen = repository.coupons_at(self._kit.clock.now()).where(Coupon.c.id == coupon_id)
        row = (await tx.execute(chosen)).one_or_none()
        if row is None:
            raise NotFound("not_found", "There is no coupon with this id.")
        caller.require_customer(row.customer_id)
        view = await self._view(tx, row)
        ledger = [EntryView.model_validate(entry) for entry in await repository.entries(tx, coupon_id)]
        holder = row.checkout_id if row.effective == "locked" else None
        return CouponDetail(**dict(view), checkout_id=holder, ledger=ledger)

    async def views(self, tx: Transaction, coupon_ids: Sequence[str]) -> dict[str, CouponView]:
        """These coupons as their owners see them, by id."""
        if not coupon_ids:
            return {}
        chosen = repository.coupons_at(self._kit.clock.now()).where(Coupon.c.id.in_(padded(coupon_ids)))
        return {row.id: await self._view(tx, row) for row in (await tx.execute(chosen)).all()}

    async def _view(self, tx: Transaction, row: Row[Any]) -> CouponView:
        key = (row.template_id, row.terms_version)
        snapshot = (await self._book.load(tx, [key]))[key]
        return schemas.view(row, row.effective, snapshot.benefit, snapshot.threshold)
