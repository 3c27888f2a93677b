"""Use cases of looking: redemptions and conflicts. A staff key sees its shop's, an end-user's token her own."""

from typing import Any

from sqlalchemy import Select, Table, select

from services.coupon.redemption.models import Redemption, RedemptionConflict
from services.coupon.redemption.schemas import ConflictView, RedemptionView
from shared.service import Kit
from shared.web import Caller, NotFound, Page, Paging, fetch_page


class Redemptions:
    """What shops, merchants and customers see of redemptions."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    async def page(
        self, caller: Caller, paging: Paging, shop_id: str | None, customer_id: str | None, coupon_id: str | None
    ) -> Page[RedemptionView]:
        """Newest first."""
        if customer_id is not None:
            caller.require_customer(customer_id)
        chosen = _filtered(Redemption.table, caller, shop_id=shop_id, customer_id=customer_id, coupon_id=coupon_id)
        async with self._kit.db.read() as tx:
            return await fetch_page(tx, chosen, Redemption.c.id, paging, RedemptionView.model_validate)

    async def get(self, caller: Caller, redemption_id: str) -> RedemptionView:
        async with self._kit.db.read() as tx:
            chosen = _filtered(Redemption.table, caller, id=redemption_id)
            row = (await tx.execute(chosen)).one_or_none()
        if row is None:
            raise NotFound("not_found", "There is no redemption with this id.")
        return RedemptionView.model_validate(row)

    async def conflicts(
        self, caller: Caller, paging: Paging, shop_id: str | None, coupon_id: str | None
    ) -> Page[ConflictView]:
        """Newest first."""
        chosen = _filtered(RedemptionConflict.table, caller, shop_id=shop_id, coupon_id=coupon_id)
        async with self._kit.db.read() as tx:
            return await fetch_page(tx, chosen, RedemptionConflict.c.id, paging, ConflictView.model_validate)

    async def conflict(self, caller: Caller, conflict_id: str) -> ConflictView:
        async with self._kit.db.read() as tx:
            row = (await tx.execute(_filtered(RedemptionConflict.table, caller, id=conflict_id))).one_or_none()
        if row is None:
            raise NotFound("not_found", "There is no redemption conflict with this id.")
        return ConflictView.model_validate(row)


def _filtered(source: Table, caller: Caller, **filters: str | None) -> Select[Any]:
    """The rows that the caller may see, of those that match."""
    own = {"shop_id": caller.shop_id, "customer_id": caller.customer_id}
    chosen = select(source)
    for name, value in [*filters.items(), *own.items()]:
        if value is not None:
            chosen = chosen.where(source.c[name] == value)
    return chosen
