"""Late payment: a checkout whose lock ran out takes everything once more, all or none."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from services.coupon.audience.queries import Audience
from services.coupon.cash_back import repository as cash_back
from services.coupon.checkout import repository
from services.coupon.checkout.models import Checkout, CheckoutCoupon
from services.coupon.checkout.promotion_usage import PromotionUsage
from services.coupon.checkout.rules import topped_up
from services.coupon.templates import repository as templates
from services.coupon.templates.models import Template
from services.coupon.wallet import ledger
from services.coupon.wallet.ledger import Change
from services.coupon.wallet.models import Coupon
from services.coupon.wallet.rules import effective
from shared.db import Transaction
from shared.service import Kit
from shared.web import Conflict


class LatePayment:
    """Locks again what an expired checkout had locked, at the price that it was locked with."""

    def __init__(self, kit: Kit, audience: Audience, usage: PromotionUsage) -> None:
        self._kit = kit
        self._audience = audience
        self._usage = usage

    async def lock_again(
        self,
        tx: Transaction,
        checkout: Checkout,
        locks: Sequence[CheckoutCoupon],
        held: Mapping[str, Coupon],
        actor: str,
    ) -> None:
        """Take the coupons, whose rows are `held`, and the promotions. Raises Conflict that says what is not free any more."""
        now = self._kit.clock.now()
        newer = await repository.find_open(tx, checkout.owner_id, checkout.order_id)
        if newer is not None:
            detail = "The lock ran out and the order has a newer checkout. Commit that one."
            raise Conflict("checkout_replaced", detail, checkout_id=newer.id)
        promotions = await repository.promotions(tx, [checkout.id], "released")
        names = {*(lock.template_id for lock in locks), *(row.promotion_id for row in promotions)}
        offers = await templates.lock_limited(tx, sorted(names))
        if checkout.first_order and await self._audience.ordered_elsewhere(
            tx, checkout.customer_id, checkout.order_id, now
        ):
            detail = (
                "The lock ran out, and meanwhile another order became the customer's first. Quote again without it."
            )
            raise Conflict("checkout_expired", detail)
        more = {lock.coupon_id: _more(lock, held[lock.coupon_id], offers) for lock in locks}
        taken = {
            lock.coupon_id: code
            for lock in locks
            if (code := _taken(lock, held[lock.coupon_id], offers.get(lock.template_id), more[lock.coupon_id], now))
        }
        reason = f"late payment of order {checkout.order_id}"
        gone = {} if taken else await self._usage.take_again(tx, checkout.id, reason, actor)
        if taken or gone:
            raise Conflict(
                "checkout_expired",
                "The lock ran out and not all that it held is free any more. Quote again and make a new checkout.",
                coupons=[{"coupon_id": key, "status": status} for key, status in sorted(taken.items())],
                promotions=[{"promotion_id": key, "code": code} for key, code in sorted(gone.items())],
            )
        await ledger.apply(tx, [_change(lock, checkout, held, more, reason, actor) for lock in locks], now)
        await cash_back.renew(tx, checkout.id, now)


def _more(lock: CheckoutCoupon, coupon: Coupon, offers: Mapping[str, Template]) -> int:
    """What the coupon needs of its template's budget beyond what it holds."""
    offer = offers.get(lock.template_id)
    return topped_up(lock.amount + lock.cash_back, coupon.reserved, offer is not None and offer.budget is not None)


def _taken(lock: CheckoutCoupon, coupon: Coupon, offer: Template | None, more: int, now: datetime) -> str | None:
    """Why the coupon can't be locked again; None when it is free."""
    status = effective(coupon.status, coupon.valid_until, coupon.locked_until, now)
    if status != "issued" or coupon.status != "issued":
        return status
    if coupon.face_amount is not None and coupon.face_amount < lock.amount:
        return "reduced"  # cash-back of goods that came back meanwhile
    if more and offer is not None and more > (offer.budget or 0) - offer.budget_spent:
        return "budget_exhausted"
    return None


def _change(
    lock: CheckoutCoupon,
    checkout: Checkout,
    held: Mapping[str, Coupon],
    more: Mapping[str, int],
    reason: str,
    actor: str,
) -> Change:
    return Change(
        before=held[lock.coupon_id],
        event="locked",
        to_status="locked",
        reason=reason,
        actor=actor,
        checkout_id=checkout.id,
        amount=lock.amount,
        budget_change=more[lock.coupon_id],
        lock_token=held[lock.coupon_id].lock_token + 1,
        locked_until=checkout.expires_at,
    )
