"""What a coupon takes off at a till, and whether it may be used there at all."""

from collections.abc import Sequence

from services.coupon.pricing.quoting import Quoting
from services.coupon.pricing.schemas import CartIn, LineIn, RejectedView
from services.coupon.reasons import explain
from services.coupon.redemption.schemas import RedemptionIn
from services.coupon.templates.cache import Snapshot, TermsCache
from services.coupon.wallet.models import Coupon
from services.coupon.wallet.repository import ShownCoupon
from shared.db import Transaction
from shared.web import Unprocessable

CHANNEL = "store"
_OF_THE_CART = frozenset(("out_of_scope", "below_threshold", "no_effect", "excluded_by", "not_best"))
"""Refusals that only a real cart can prove; a till that sends none vouches for it."""
_ONLINE_ONLY = frozenset(("free_shipping", "shipping_percent_off", "cash_back"))
"""Kinds that take nothing off a receipt: nothing is shipped, and no order completes that would bring the cash back."""


class StorePricing:
    """Asks the one way to a price, on the channel `store`."""

    def __init__(self, quoting: Quoting, terms: TermsCache) -> None:
        self._quoting = quoting
        self._terms = terms

    async def snapshot(self, tx: Transaction, coupon: Coupon | ShownCoupon) -> Snapshot:
        """The coupon's terms."""
        key = (coupon.template_id, coupon.terms_version)
        return (await self._terms.load(tx, [key]))[key]

    async def face(self, tx: Transaction, coupon: Coupon | ShownCoupon) -> int | None:
        """What the coupon takes off at most; None where its terms set no bound."""
        if coupon.face_amount is not None:
            return coupon.face_amount
        return (await self.snapshot(tx, coupon)).worst_case

    async def refusal(
        self,
        tx: Transaction,
        coupon: Coupon | ShownCoupon,
        currency: str,
        shop_id: str | None = None,
        order_ref: str | None = None,
    ) -> RejectedView | None:
        """Why the coupon can't be used in a store now, whatever is bought; None when it can.

        `shop_id`: in that one; `order_ref`: on that receipt, in the transaction that makes it.
        """
        terms = await self.snapshot(tx, coupon)
        if terms.terms.benefit.kind in _ONLINE_ONLY:
            return _told("not_for_stores")
        if shop_id is not None and not _in_shop(terms, shop_id):
            return _told("wrong_shop")
        receipt = LineIn(line_id="receipt", quantity=1, unit_price=0, shop_id=shop_id)
        priced = await self._priced(tx, coupon, currency, [receipt], order_ref)
        if not isinstance(priced, RejectedView) or priced.code in _OF_THE_CART:
            return None
        told = [one for one in priced.unmet or () if one.code not in _OF_THE_CART]
        return priced.model_copy(update={"missing_amount": None, "missing_quantity": None, "unmet": told or None})

    async def discount(self, tx: Transaction, coupon: Coupon, shop_id: str, body: RedemptionIn) -> int | RejectedView:
        """What the coupon takes off that receipt. Raises Unprocessable where nobody says how much that is."""
        refused = await self.refusal(tx, coupon, body.currency, shop_id, body.order_ref)
        if refused is not None:
            return refused
        if body.lines is not None:
            own = [line.model_copy(update={"shop_id": shop_id}) for line in body.lines]
            return await self._priced(tx, coupon, body.currency, own, body.order_ref)
        face, amount = await self.face(tx, coupon), body.amount
        if amount is None and face is None:
            detail = "What this coupon takes off depends on the goods: send the receipt's `lines`, or the `amount` taken off."
            raise Unprocessable("amount_needed", detail)
        if amount is not None and face is not None and amount > face:
            raise Unprocessable("amount_above_face", "The coupon takes off less than this amount.", most=face)
        return face if amount is None else amount  # type: ignore[return-value] # one of them is a number here

    async def _priced(
        self,
        tx: Transaction,
        coupon: Coupon | ShownCoupon,
        currency: str,
        lines: Sequence[LineIn],
        order_ref: str | None,
    ) -> int | RejectedView:
        cart = CartIn(
            customer_id=coupon.customer_id, channel=CHANNEL, currency=currency, lines=list(lines), coupons=[coupon.id]
        )
        priced = await self._quoting.price(tx, cart, [coupon.id], order_id=order_ref)
        for use in priced.answer.uses:
            if use.offer.id == coupon.id:
                return use.amount
        return next(one for one in priced.view.rejected if one.coupon_id == coupon.id)


def _in_shop(snapshot: Snapshot, shop_id: str) -> bool:
    scope = snapshot.terms.scope
    return (not scope.include.shops or shop_id in scope.include.shops) and shop_id not in scope.exclude.shops


def _told(key: str) -> RejectedView:
    reason = explain(key)
    return RejectedView(code=reason.code, detail=reason.detail, detail_zh=reason.detail_zh)
