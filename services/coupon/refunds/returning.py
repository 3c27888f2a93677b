"""What comes back with the last goods of an order 退券: coupons, and what it counted in promotions.

An offer that gave a thing comes back when the thing does: which ones these are is decided before (`refunding`).
"""

from collections.abc import Callable, Mapping, Sequence

from services.coupon.cash_back.reduction import CashBackReduction
from services.coupon.checkout import repository
from services.coupon.checkout.models import Checkout, CheckoutCoupon, CheckoutPromotion
from services.coupon.checkout.promotion_usage import PromotionUsage
from services.coupon.checkout.rules import reserved_again
from services.coupon.templates import repository as templates
from services.coupon.templates.cache import TermsCache
from services.coupon.templates.models import Template
from services.coupon.wallet import ledger
from services.coupon.wallet import repository as wallet
from services.coupon.wallet.ledger import Change
from services.coupon.wallet.models import Coupon
from shared.contracts import CouponReturned
from shared.db import Transaction
from shared.service import Kit

Ended = Callable[[str], bool]
"""Whether a coupon or promotion of the order comes back."""


class Returning:
    """Gives redeemed coupons back to their wallets, within their templates' budgets, and promotions their counters."""

    def __init__(self, kit: Kit, terms_cache: TermsCache, usage: PromotionUsage, cash_back: CashBackReduction) -> None:
        self._kit = kit
        self._terms_cache = terms_cache
        self._usage = usage
        self._cash_back = cash_back

    async def returnable(self, tx: Transaction, checkout_id: str, ended: Ended) -> list[str]:
        """Ids of the coupons that `give_back` would return."""
        used = await self._used(tx, checkout_id, ended)
        if not used:
            return []
        rows = await wallet.find(tx, list(used))
        return [row.id for row in await self._reusable(tx, list(rows.values()))]

    async def give_back(self, tx: Transaction, checkout: Checkout, ended: Ended, actor: str) -> list[str]:
        """Return the coupons and promotions that `ended` of a checkout, whose row is held, where their terms allow it.

        Answers the coupons' ids.

        A coupon whose time is over comes back expired: its status is by the clock.
        """
        promotions = await self._promotions(tx, checkout.id, ended)
        used = await self._used(tx, checkout.id, ended)
        back = await self._reusable(tx, list((await wallet.lock(tx, list(used))).values()))
        names = {*(row.template_id for row in back if row.reserved), *(row.promotion_id for row in promotions)}
        again = await self.reserved_again(tx, back, await templates.lock_limited(tx, sorted(names)))
        changes = [
            Change(
                before=row,
                event="returned",
                to_status="issued",
                reason=f"refunded: order {checkout.order_id}",
                actor=actor,
                checkout_id=checkout.id,
                amount=used[row.id].amount,
                budget_change=again[row.id],
            )
            for row in back
        ]
        await self.put_back(tx, changes, actor)
        reason = {checkout.id: f"refunded: order {checkout.order_id}"}
        await self._usage.give_back(tx, promotions, "returned", reason, actor)
        await repository.update_locks(tx, [used[row.id] for row in back], "returned")
        await self._kit.outbox.publish(tx, [_returned(row, checkout) for row in back])
        return [row.id for row in back]

    async def put_back(self, tx: Transaction, changes: Sequence[Change], actor: str) -> None:
        """Write down that used coupons, whose rows are held, are free again; what is owed of them is taken at once."""
        await ledger.apply(tx, changes, self._kit.clock.now())
        await self._cash_back.collect(tx, [change.before for change in changes], actor)

    async def _used(self, tx: Transaction, checkout_id: str, ended: Ended) -> dict[str, CheckoutCoupon]:
        """Those of the checkout's locks that were redeemed, by coupon."""
        locks = (await repository.coupon_locks(tx, [checkout_id]))[checkout_id]
        return {lock.coupon_id: lock for lock in locks if lock.state == "redeemed" and ended(lock.coupon_id)}

    async def _reusable(self, tx: Transaction, coupons: Sequence[Coupon]) -> list[Coupon]:
        snapshots = await self._terms_cache.load(tx, {(row.template_id, row.terms_version) for row in coupons})
        return [row for row in coupons if snapshots[row.template_id, row.terms_version].terms.comes_back]

    async def _promotions(self, tx: Transaction, checkout_id: str, ended: Ended) -> list[CheckoutPromotion]:
        """Those of a paid checkout that count no more."""
        rows = [row for row in await repository.promotions(tx, [checkout_id], "redeemed") if ended(row.promotion_id)]
        snapshots = await self._terms_cache.load(tx, {(row.promotion_id, row.terms_version) for row in rows})
        return [row for row in rows if snapshots[row.promotion_id, row.terms_version].terms.comes_back]

    async def reserved_again(
        self, tx: Transaction, coupons: Sequence[Coupon], offers: Mapping[str, Template]
    ) -> dict[str, int]:
        """What each returned coupon changes of its budget.

        Where issue reserves, that is its worst case again, as far as there is room for it; else all that it took.
        """
        now = self._kit.clock.now()
        rooms = {key: row.budget - row.budget_spent for key, row in offers.items() if row.budget is not None}
        snapshots = await self._terms_cache.load(tx, {(row.template_id, row.terms_version) for row in coupons})
        changes = {}
        for row in coupons:
            room = rooms.get(row.template_id, 0)
            reserves = row.template_id in offers and offers[row.template_id].budget_on == "issue"
            worst = snapshots[row.template_id, row.terms_version].worst_case or 0
            wanted = worst if reserves and row.valid_until > now else 0
            changes[row.id] = reserved_again(row.reserved, wanted, room) if row.reserved else 0
            rooms[row.template_id] = room - changes[row.id]
        return changes


def _returned(coupon: Coupon, checkout: Checkout) -> CouponReturned:
    return CouponReturned(
        owner_id=checkout.owner_id,
        coupon_id=coupon.id,
        template_id=coupon.template_id,
        customer_id=coupon.customer_id,
        checkout_id=checkout.id,
        order_id=checkout.order_id,
        reason="refunded",
    )
