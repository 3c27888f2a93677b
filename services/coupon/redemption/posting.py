"""The one way to a redemption: the coupon's ledger, the template's budget, the record and the message, together."""

from datetime import datetime
from typing import Any

from services.coupon.checkout.releasing import Releasing
from services.coupon.redemption import repository
from services.coupon.redemption.rules import budget_change
from services.coupon.templates import repository as templates
from services.coupon.wallet import ledger
from services.coupon.wallet import repository as wallet
from services.coupon.wallet.ledger import Change
from services.coupon.wallet.models import Coupon
from shared.contracts import CouponRedeemed
from shared.db import Transaction
from shared.ids import new_id
from shared.service import Kit
from shared.web import Caller


class RedemptionPosting:
    """Writes redemptions down 记账."""

    def __init__(self, kit: Kit, releasing: Releasing) -> None:
        self._kit = kit
        self._releasing = releasing

    async def lock(self, tx: Transaction, coupon_id: str) -> Coupon | None:
        """The coupon, locked; an order's lock on it that ran out is written down first, checkout before coupon."""
        seen = (await wallet.find(tx, [coupon_id])).get(coupon_id)
        if seen is None:
            return None
        if seen.status == "locked" and seen.checkout_id is not None:
            await self._releasing.end_if_due(tx, seen.checkout_id)
        return (await wallet.lock(tx, [coupon_id])).get(coupon_id)

    async def post(
        self,
        tx: Transaction,
        caller: Caller,
        coupon: Coupon,
        order_ref: str,
        amount: int,
        *,
        redeemed_at: datetime | None = None,
    ) -> str | None:
        """Use the coupon, whose row is held. Answers the redemption's id; None, with nothing written, over its budget.

        `redeemed_at`: when an offline till did it.
        """
        now = self._kit.clock.now()
        offer = (await templates.lock(tx, [coupon.template_id]))[coupon.template_id]
        change = budget_change(offer.budget, offer.budget_on, coupon.reserved, coupon.status, amount)
        if offer.budget is not None and change > offer.budget - offer.budget_spent:
            return None
        row: dict[str, Any] = {
            "id": new_id("rdm"),
            "owner_id": caller.owner_id,
            "coupon_id": coupon.id,
            "template_id": coupon.template_id,
            "customer_id": coupon.customer_id,
            "shop_id": caller.shop_id,
            "staff_key_id": caller.key_id,
            "order_ref": order_ref,
            "amount": amount,
            "currency": offer.currency,
            "status": "redeemed",
            "offline": redeemed_at is not None,
            "redeemed_at": redeemed_at or now,
            "created_at": now,
        }
        entry = Change(
            before=coupon,
            event="redeemed",
            to_status="redeemed",
            reason=f"shop {caller.shop_id}, receipt {order_ref}",
            actor=caller.actor,
            checkout_id=row["id"],
            amount=amount,
            budget_change=change,
        )
        await ledger.apply(tx, [entry], now)
        await repository.insert_redemption(tx, row)
        event = CouponRedeemed(
            owner_id=caller.owner_id,
            coupon_id=coupon.id,
            template_id=coupon.template_id,
            customer_id=coupon.customer_id,
            redemption_id=row["id"],
            order_id=order_ref,
            amount=amount,
            currency=offer.currency,
            shop_id=caller.shop_id,
        )
        await self._kit.outbox.publish(tx, [event])
        return str(row["id"])
