"""What refunds take from cash-back: promises shrink, coupons that nobody used yet are cut or taken back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from services.coupon.cash_back import repository
from services.coupon.cash_back.models import CashBackPromise
from services.coupon.cash_back.rules import left_after
from services.coupon.wallet import ledger
from services.coupon.wallet import repository as wallet
from services.coupon.wallet.ledger import Change
from services.coupon.wallet.models import Coupon
from services.coupon.wallet.rules import effective
from shared.contracts import CouponVoided
from shared.db import Transaction
from shared.service import Kit

SOURCE: Final = "cash_back"
"""The way that coupons of cash-back come by; their `reference` is the promise."""
_OVER = ("expired", "voided")


@dataclass(frozen=True, slots=True)
class KeptGoods:
    """What a refund leaves of an order: the price of all its goods, that of those that are kept, and (policy clawback) what
    the offers would promise for these alone.
    """

    price: int
    kept_price: int
    repriced: Mapping[str, int] | None


@dataclass(frozen=True, slots=True)
class Cut:
    """One promise after a refund. `lost` is what the refund takes of it and can't get back: its coupon is used or held.

    What is lost stays owed: it is taken as soon as the coupon is free again.
    """

    row: CashBackPromise
    coupon: Coupon | None
    left: int
    lost: int

    @property
    def view(self) -> dict[str, Any]:
        """As a refund's answer tells it."""
        row = self.row
        return {"source": row.source, "before": row.amount, "after": self.left, "lost": self.lost}


class CashBackReduction:
    """Decides and does what a refund does to an order's cash-back."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    async def coupons(self, tx: Transaction, checkout_id: str) -> list[str]:
        """Ids of the coupons that the order's cash-back was given as: to hold before `apply`, with the order's own."""
        return [row.coupon_id for row in await repository.of_checkout(tx, checkout_id) if row.coupon_id]

    async def foresee(self, tx: Transaction, checkout_id: str, kept: KeptGoods) -> list[Cut]:
        """What a refund that leaves `kept` takes of each promise; those that it does not touch are left out."""
        now = self._kit.clock.now()
        rows = [row for row in await repository.of_checkout(tx, checkout_id) if row.status != "cancelled"]
        ids = [row.coupon_id for row in rows if row.coupon_id]
        coupons = await wallet.find(tx, ids)
        cuts = [_cut(row, coupons.get(row.coupon_id or ""), kept, now) for row in rows]
        return [cut for cut in cuts if cut.left < cut.row.amount or cut.lost]

    async def collect(self, tx: Transaction, freed: Sequence[Coupon], actor: str) -> None:
        """Take what is owed of these coupons, whose rows are held and that are free again: of cash-back whose goods came back."""
        promises = [str(coupon.reference) for coupon in freed if coupon.source == SOURCE]
        rows = [row for row in await repository.named(tx, promises) if row.owed]
        coupons = await wallet.find(tx, [str(row.coupon_id) for row in rows])
        await self.apply(tx, [Cut(row, coupons[str(row.coupon_id)], row.amount - row.owed, 0) for row in rows], actor)

    async def apply(self, tx: Transaction, cuts: Sequence[Cut], actor: str) -> None:
        """Write them down; the checkout and the coupons are held."""
        now = self._kit.clock.now()
        taken = [cut for cut in cuts if cut.left < cut.row.amount]
        values = [
            repository.changed(
                cut.row, now, amount=cut.left, owed=cut.lost, status=cut.row.status if cut.left else "cancelled"
            )
            for cut in cuts
        ]
        await repository.change(tx, values)
        cut_coupons = [(cut, cut.coupon) for cut in taken if cut.coupon is not None and cut.coupon.status not in _OVER]
        await ledger.apply(tx, [_change(cut, coupon, actor) for cut, coupon in cut_coupons], now)
        voided = [
            CouponVoided(
                owner_id=coupon.owner_id,
                coupon_id=coupon.id,
                template_id=coupon.template_id,
                customer_id=coupon.customer_id,
                reason="refunded",
            )
            for cut, coupon in cut_coupons
            if not cut.left
        ]
        await self._kit.outbox.publish(tx, voided)


def _cut(row: CashBackPromise, coupon: Coupon | None, kept: KeptGoods, now: datetime) -> Cut:
    repriced = None if kept.repriced is None else kept.repriced.get(row.source, 0)
    left = left_after(row.promised, row.amount, kept.price, kept.kept_price, repriced)
    if coupon is not None:
        status = effective(coupon.status, coupon.valid_until, coupon.locked_until, now)
        if status in ("redeemed", "locked") or coupon.status == "locked":
            return Cut(row, coupon, row.amount, row.amount - left)
    return Cut(row, coupon, left, 0)


def _change(cut: Cut, coupon: Coupon, actor: str) -> Change:
    """Cut the coupon to what is left, or void it."""
    return Change(
        before=coupon,
        event="reduced" if cut.left else "voided",
        to_status="issued" if cut.left else "voided",
        reason=f"refunded: order {cut.row.order_id}",
        actor=actor,
        amount=cut.left,
        budget_change=0 if cut.left else -coupon.reserved,
        face_amount=cut.left or None,
    )
