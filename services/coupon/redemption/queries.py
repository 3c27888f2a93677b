"""Use cases of looking: redemptions and conflicts. Who sees which is said in one place, `repository._in_sight`."""

from services.coupon.redemption import repository
from services.coupon.redemption.repository import Whose
from services.coupon.redemption.schemas import RedemptionConflictView, RedemptionView
from shared.service import Kit
from shared.web import Caller, NotFound, Page, Paging


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
        wanted = Whose(shop_id, customer_id)
        async with self._kit.db.read() as tx:
            return await repository.page(tx, paging, wanted, coupon_id, RedemptionView.model_validate)

    async def read(self, caller: Caller, redemption_id: str) -> RedemptionView:
        """One redemption. Raises NotFound."""
        async with self._kit.db.read() as tx:
            row = await repository.find_seen(tx, caller, redemption_id)
        if row is None:
            raise NotFound("not_found", "There is no redemption with this id.")
        return RedemptionView.model_validate(row)

    async def page_conflicts(
        self, paging: Paging, shop_id: str | None, coupon_id: str | None
    ) -> Page[RedemptionConflictView]:
        """Newest first."""
        wanted, view = Whose(shop_id, None), RedemptionConflictView.model_validate
        async with self._kit.db.read() as tx:
            return await repository.page_conflicts(tx, paging, wanted, coupon_id, view)

    async def read_conflict(self, caller: Caller, conflict_id: str) -> RedemptionConflictView:
        """One conflict. Raises NotFound."""
        async with self._kit.db.read() as tx:
            row = await repository.find_conflict(tx, caller, conflict_id)
        if row is None:
            raise NotFound("not_found", "There is no redemption conflict with this id.")
        return RedemptionConflictView.model_validate(row)
