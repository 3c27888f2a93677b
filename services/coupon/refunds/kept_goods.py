"""What the goods that a customer keeps cost, when they are priced again by the frozen cart and the frozen terms."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from services.coupon.checkout import repository as checkouts
from services.coupon.checkout.models import CheckoutPromotion
from services.coupon.pricing.cart import SHIPPING, Cart
from services.coupon.pricing.engine import reprice
from services.coupon.pricing.offers import Offer
from services.coupon.pricing.schemas import CartIn
from services.coupon.refunds.paid_order import PaidOrder
from services.coupon.refunds.rules import Kept
from services.coupon.templates.cache import TermsCache
from services.coupon.templates.terms import Terms
from services.coupon.templates.validity import FOREVER
from services.coupon.wallet import repository as wallet
from services.coupon.wallet.models import Coupon
from shared.db import Transaction


async def used_offers(tx: Transaction, terms_cache: TermsCache, checkout_id: str) -> list[Offer]:
    """The offers of a checkout, coupons and promotions, under the terms that it was priced with."""
    locks = (await checkouts.coupon_locks(tx, [checkout_id]))[checkout_id]
    coupons = (await wallet.find(tx, [lock.coupon_id for lock in locks])).values()
    promotions = await checkouts.promotions(tx, [checkout_id])
    keys = {(row.template_id, row.terms_version) for row in coupons}
    terms = await terms_cache.load(tx, keys | {(row.promotion_id, row.terms_version) for row in promotions})
    return [
        *(_coupon(row, terms[row.template_id, row.terms_version].terms) for row in coupons),
        *(_promotion(row, terms[row.promotion_id, row.terms_version].terms) for row in promotions),
    ]


def _coupon(row: Coupon, terms: Terms) -> Offer:
    return Offer(row.id, row.template_id, terms, row.valid_until, row.terms_version, face_amount=row.face_amount)


def _promotion(row: CheckoutPromotion, terms: Terms) -> Offer:
    ends = terms.validity.until or FOREVER
    return Offer(row.promotion_id, row.promotion_id, terms, ends, row.terms_version, automatic=True)


def kept_after(order: PaidOrder, units: Mapping[str, int], offers: Sequence[Offer]) -> Kept:
    """What is kept once `units` of each line came back, and what each offer takes off it."""
    sale = order.sale
    rest = sale.kept(units)
    shipping = [line for line in sale.lines if line.line_id == SHIPPING and SHIPPING in rest]
    cart = CartIn.model_validate(order.checkout.cart)
    lines = tuple(replace(line, quantity=rest[line.line_id]) for line in cart.priced().lines if line.line_id in rest)
    if not lines:  # no goods to price the shipping fee with: it stays as it was paid
        fees = {source: share for line in shipping for source, share in line.shares.items()}
        return Kept(sum(line.unit_price for line in shipping) - sum(fees.values()), fees)
    fee = sum(line.unit_price for line in shipping)
    answer = reprice(Cart(lines, fee, order.checkout.currency), offers)
    promised = {promise.source: promise.amount for promise in answer.cash_back}
    return Kept(answer.total, {use.offer.id: use.amount for use in answer.uses}, promised)
