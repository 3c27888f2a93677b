"""Offline tills 离线核销: they verified the signature and the time themselves, and tell us later what they took off.

Uniqueness is what a till can't check without us. So each item is settled by the same compare-and-set as on line; where the
coupon is gone, the loss is written down as a conflict and nobody's coupon changes.
"""

from datetime import datetime, timedelta
from typing import Any

from services.coupon.abuse.attempts import AttemptLimiter
from services.coupon.reasons import explain
from services.coupon.redemption import problems, repository
from services.coupon.redemption.posting import RedemptionPosting
from services.coupon.redemption.redeeming import till_of
from services.coupon.redemption.rules import SKEW, Claims, within_life
from services.coupon.redemption.schemas import SettledView, SettlementIn, SettlementItem, SettlementView
from services.coupon.redemption.signing import Signing
from services.coupon.settings import CouponSettings
from services.coupon.wallet.models import Coupon
from services.coupon.wallet.rules import effective
from shared.db import Transaction
from shared.ids import new_id
from shared.service import Kit
from shared.web import Caller


class OfflineSettling:
    """Settles what tills did while they were offline."""

    def __init__(
        self, kit: Kit, signing: Signing, posting: RedemptionPosting, attempts: AttemptLimiter, settings: CouponSettings
    ) -> None:
        self._kit = kit
        self._signing = signing
        self._posting = posting
        self._attempts = attempts
        self._kept = timedelta(days=settings.offline_settle_days)

    async def settle(self, caller: Caller, body: SettlementIn) -> SettlementView:
        """One answer for each item; each is a transaction of its own, so a bad one holds up nobody."""
        problems.staff_shop(caller)
        async with self._attempts.admit(till_of(caller), None, staff=caller.key_id) as attempt:
            results = []
            for item in body.redemptions:
                async with self._kit.db.write() as tx:
                    claims = await self._signing.verify(tx, item.token)
                    if claims is None:
                        attempt.failed()
                    results.append(await self._item(tx, caller, item, claims))
        return SettlementView(results=results)

    async def _item(self, tx: Transaction, caller: Caller, item: SettlementItem, claims: Claims | None) -> SettledView:
        wrong = _wrong(item, claims, self._kit.clock.now(), self._kept)
        if claims is None or wrong is not None:
            return _told(item, "refused", wrong or "token_unknown")
        coupon = await self._posting.lock(tx, claims.coupon_id)
        if coupon is None:
            return _told(item, "refused", "token_unknown")
        known = await repository.find_of_receipt(tx, caller, item.order_ref, coupon.id)
        if known is not None:
            return SettledView(order_ref=item.order_ref, outcome="replayed", redemption_id=known.id)
        earlier = await repository.find_conflict_of_receipt(tx, caller, item.order_ref, coupon.id)
        if earlier is not None:
            return _told(item, "conflict", earlier.code, conflict_id=earlier.id)
        code = self._gone(coupon, item)
        posted = None
        if code is None:
            posted = await self._posting.post(
                tx, caller, coupon, item.order_ref, item.amount, redeemed_at=item.redeemed_at
            )
        if posted is not None:
            return SettledView(order_ref=item.order_ref, outcome="redeemed", redemption_id=posted)
        return await self._conflict(tx, caller, coupon, item, code or "budget_exhausted")

    def _gone(self, coupon: Coupon, item: SettlementItem) -> str | None:
        """Why the coupon can't be used for it any more; one that expired since then can."""
        if coupon.status == "locked":
            return "coupon_locked"
        status = effective(coupon.status, coupon.valid_until, coupon.locked_until, item.redeemed_at)
        if status == "expired" and item.redeemed_at < coupon.valid_until:
            return None
        return None if status == "issued" else f"coupon_{status}"

    async def _conflict(
        self, tx: Transaction, caller: Caller, coupon: Coupon, item: SettlementItem, code: str
    ) -> SettledView:
        row = {
            "id": new_id("rcf"),
            "owner_id": caller.owner_id,
            "coupon_id": coupon.id,
            "customer_id": coupon.customer_id,
            "shop_id": caller.shop_id,
            "staff_key_id": caller.key_id,
            "order_ref": item.order_ref,
            "amount": item.amount,
            "code": code,
            "held_by": await repository.holder(tx, coupon),
            "redeemed_at": item.redeemed_at,
            "created_at": self._kit.clock.now(),
        }
        await repository.insert_conflict(tx, row)
        return _told(item, "conflict", code, conflict_id=str(row["id"]))


def _wrong(item: SettlementItem, claims: Claims | None, now: datetime, kept: timedelta) -> str | None:
    """Why the till should not have accepted this token, or comes too late with it."""
    if claims is None:
        return "token_unknown"
    if not within_life(claims.issued_at, claims.expires_at, item.redeemed_at):
        return "outside_token_life"
    if item.redeemed_at > now + SKEW:
        return "redeemed_in_the_future"
    if item.redeemed_at < now - kept:
        return "settled_too_late"
    if item.amount > claims.offline_most:
        return "amount_over_offline_cap"
    return None


def _told(item: SettlementItem, outcome: Any, code: str, conflict_id: str | None = None) -> SettledView:
    reason = explain(f"{code}:settlement")
    return SettledView(
        order_ref=item.order_ref,
        outcome=outcome,
        code=code,
        detail=reason.detail,
        detail_zh=reason.detail_zh,
        conflict_id=conflict_id,
    )
