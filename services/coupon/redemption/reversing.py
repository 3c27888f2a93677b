"""Taking a redemption back on the same day 撤销核销: the coupon returns to its wallet."""

from services.coupon.redemption import repository
from services.coupon.redemption.models import Redemption
from services.coupon.redemption.schemas import RedemptionView
from services.coupon.refunds.returning import Returning
from services.coupon.templates import repository as templates
from services.coupon.templates.validity import local_day
from services.coupon.wallet import repository as wallet
from services.coupon.wallet.ledger import Change
from shared.contracts import CouponReturned
from shared.db import Transaction
from shared.service import Kit
from shared.web import Caller, Conflict, NotFound


class Reversing:
    """Undoes redemptions that were a mistake of the till."""

    def __init__(self, kit: Kit, returning: Returning, time_zone: str) -> None:
        self._kit = kit
        self._returning = returning
        self._time_zone = time_zone

    async def reverse(self, caller: Caller, redemption_id: str, reason: str) -> RedemptionView:
        """Again: the same answer. Raises NotFound for another shop's, Conflict after the day of the redemption."""
        now = self._kit.clock.now()
        async with self._kit.db.write() as tx:
            row = await repository.lock_seen(tx, caller, redemption_id)
            if row is None or caller.customer_id is not None:
                raise NotFound("not_found", "There is no redemption with this id.")
            if row.status == "redeemed":
                if local_day(row.created_at, self._time_zone) != local_day(now, self._time_zone):
                    raise Conflict(
                        "too_late_to_reverse",
                        "A redemption can be reversed on its own day only. Give the customer another coupon instead.",
                    )
                await self._give_back(tx, caller, row, reason)
                values = {
                    "status": "reversed",
                    "reversed_at": now,
                    "reversed_by": caller.key_id,
                    "reverse_reason": reason,
                }
                await repository.update_redemption(tx, row.id, values)
            return RedemptionView.model_validate(await repository.find(tx, redemption_id))

    async def _give_back(self, tx: Transaction, caller: Caller, row: Redemption, reason: str) -> None:
        coupon = (await wallet.lock(tx, [row.coupon_id]))[row.coupon_id]
        offers = await templates.lock_limited(tx, [coupon.template_id])
        again = await self._returning.reserved_again(tx, [coupon], offers)
        change = Change(
            before=coupon,
            event="returned",
            to_status="issued",
            reason=f"reversed: {reason}",
            actor=caller.actor,
            checkout_id=row.id,
            amount=row.amount,
            budget_change=again[coupon.id],
        )
        await self._returning.put_back(tx, [change], caller.actor)
        event = CouponReturned(
            owner_id=row.owner_id,
            coupon_id=coupon.id,
            template_id=coupon.template_id,
            customer_id=coupon.customer_id,
            redemption_id=row.id,
            order_id=row.order_ref,
            reason="reversed",
        )
        await self._kit.outbox.publish(tx, [event])
