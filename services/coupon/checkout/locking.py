"""Checkout 下单锁券: price the cart, freeze the quote, hold its coupons for the order."""

import hashlib
from typing import Any

from sqlalchemy import Row

from services.coupon.checkout import frozen, repository
from services.coupon.checkout.releasing import Releasing
from services.coupon.checkout.repository import CHECKOUT, LINE, LOCK, SHARE
from services.coupon.checkout.schemas import CheckoutIn, CheckoutView
from services.coupon.checkout.viewing import Checkouts
from services.coupon.pricing.quoting import Priced, Quoting, vouched
from services.coupon.pricing.wallets import UNUSABLE
from services.coupon.wallet import ledger
from shared.contracts import CouponLocked
from shared.db import Transaction
from shared.service import Kit
from shared.web import Caller, Conflict, Unprocessable


class Locking:
    """Opens checkouts, one at a time for each order."""

    def __init__(self, kit: Kit, quoting: Quoting, releasing: Releasing, checkouts: Checkouts) -> None:
        self._kit = kit
        self._quoting = quoting
        self._releasing = releasing
        self._checkouts = checkouts

    async def lock(self, caller: Caller, body: CheckoutIn) -> tuple[CheckoutView, bool]:
        """The order's checkout, and whether it was there already.

        Raises Unprocessable when the order's open checkout was made from another body, Conflict when a coupon that the
        body names cannot be used by anybody else's leave. Nothing is locked then.
        """
        vouched(caller, body)
        now = self._kit.clock.now()
        fingerprint = hashlib.sha256(body.model_dump_json().encode()).hexdigest()
        async with self._kit.db.write() as tx:
            mine = (CHECKOUT.c.customer_id == body.customer_id) | (CHECKOUT.c.order_id == body.order_id)
            await self._releasing.expire(tx, mine, limit=100, wait=True)
            known = await repository.open_for(tx, body.order_id)
            if known is not None:
                return await self._again(tx, known, fingerprint)
            candidates = await self._quoting.candidates(tx, body)
            held = await ledger.hold(tx, candidates)  # from here on nobody else can take them
            priced = await self._quoting.price(tx, body, candidates, order_id=body.order_id)
            _refuse_unusable(body, priced)
            row = frozen.checkout(body, priced, fingerprint, now)
            if not await repository.add(tx, row):
                known = await repository.open_for(tx, body.order_id)
                if known is None:
                    raise Conflict("checkout_in_progress", "Another call is settling this order. Try again.")
                return await self._again(tx, known, fingerprint)
            parts = {LINE: frozen.lines(row, priced.answer), SHARE: frozen.shares(row, priced.answer)}
            await repository.add_parts(tx, parts)
            await self._hold_coupons(tx, row, priced, held, f"key:{caller.key_id}")
            stored = await repository.find(tx, str(row["id"]))
            assert stored is not None  # noqa: S101 - inserted above in this transaction
            return await self._checkouts.view(tx, stored), False

    async def _again(self, tx: Transaction, known: Row[Any], fingerprint: str) -> tuple[CheckoutView, bool]:
        if known.fingerprint != fingerprint:
            raise Unprocessable(
                "idempotency_key_reused",
                "This order has an open checkout that was made from another body. Roll it back first, or repeat its body.",
                checkout_id=known.id,
            )
        return await self._checkouts.view(tx, known), True

    async def _hold_coupons(
        self, tx: Transaction, checkout: dict[str, Any], priced: Priced, held: dict[str, Row[Any]], actor: str
    ) -> None:
        await ledger.apply(tx, frozen.changes(checkout, priced.answer, held, actor), checkout["created_at"])
        await repository.add_parts(tx, {LOCK: frozen.locks(checkout, priced.answer, held)})
        events = [
            CouponLocked(
                coupon_id=use.offer.id,
                template_id=use.offer.template_id,
                customer_id=checkout["customer_id"],
                checkout_id=checkout["id"],
                order_id=checkout["order_id"],
                amount=use.amount,
                currency=checkout["currency"],
            )
            for use in priced.answer.uses
            if not use.offer.automatic
        ]
        await self._kit.outbox.publish(tx, events)


def _refuse_unusable(body: CheckoutIn, priced: Priced) -> None:
    """A named coupon that is used, held or gone must not silently make the order dearer. Other reasons stand in the quote."""
    if body.coupons == "best":
        return
    gone = [one for one in priced.view.rejected if one.code in UNUSABLE]
    if gone:
        detail = "A coupon that the order names can't be used. Quote again, and leave it out."
        rejected = [one.model_dump(exclude_none=True) for one in gone]
        raise Conflict("coupon_unavailable", detail, rejected=rejected)
