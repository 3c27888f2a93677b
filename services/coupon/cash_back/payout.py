"""What completed orders were promised is given, as coupons, once."""

from services.coupon.cash_back import repository
from services.coupon.cash_back.companions import companion
from services.coupon.cash_back.models import CashBackPromise
from services.coupon.cash_back.reduction import SOURCE
from services.coupon.cash_back.schemas import CashBackView
from services.coupon.templates.cache import TermsCache
from services.coupon.wallet.granting import Granting
from services.coupon.wishes import Granted, Wish
from shared.db import Transaction
from shared.service import Kit


class CashBackPayout:
    """Gives the cash-back of completed orders."""

    def __init__(self, kit: Kit, terms_cache: TermsCache, granting: Granting) -> None:
        self._kit = kit
        self._terms_cache = terms_cache
        self._granting = granting

    async def give(self, tx: Transaction, checkout_id: str, actor: str) -> bool:
        """Give what the checkout, whose row is held, was promised or is still due. True when there was something."""
        open_ = [row for row in await repository.of_checkout(tx, checkout_id) if row.status in ("promised", "due")]
        for row in sorted(open_, key=lambda one: str(one.template_id)):
            await self._issue(tx, row, actor)
        return bool(open_)

    async def views(self, tx: Transaction, checkout_id: str) -> list[CashBackView]:
        """What became of the checkout's promises."""
        return [CashBackView.model_validate(row) for row in await repository.of_checkout(tx, checkout_id)]

    async def _issue(self, tx: Transaction, row: CashBackPromise, actor: str) -> None:
        """One coupon for one promise. Where its template gives nothing now (it was paused), the promise stays due."""
        now = self._kit.clock.now()
        template_id = await companion(tx, self._terms_cache, row, now)
        wish = Wish(
            template_id=template_id,
            customer_id=row.customer_id,
            source=SOURCE,
            actor=actor,
            reason=f"cash-back of order {row.order_id}",
            reference=row.id,
            face_amount=row.amount,
            owner_id=row.owner_id,
        )
        answer = (await self._granting.grant(tx, [wish]))[0]
        if isinstance(answer, Granted):
            change = repository.changed(row, now, status="issued", coupon_id=answer.coupon_id, note=None)
        else:
            change = repository.changed(row, now, status="due", note=answer.code)
        await repository.change(tx, [change])
