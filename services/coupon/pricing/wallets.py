"""Which coupons of a customer may be priced now, and why the others may not. Pure."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.coupon.pricing.offers import Offer, Refusal
from services.coupon.templates.terms import Terms
from services.coupon.templates.validity import open_at
from services.coupon.wallet.rules import effective


@dataclass(frozen=True, slots=True)
class Held:
    """One coupon of the customer, as it lies in the wallet."""

    coupon_id: str
    template_id: str
    terms_version: int
    terms: Terms
    currency: str
    status: str
    valid_from: datetime
    valid_until: datetime
    locked_until: datetime | None

    def offer(self) -> Offer:
        return Offer(self.coupon_id, self.template_id, self.terms, self.valid_until, self.terms_version)


@dataclass(frozen=True, slots=True)
class Moment:
    """When, where and for whom the cart is priced: the customer's segments, tier, paid orders, and since when she is known."""

    now: datetime
    time_zone: str
    currency: str
    channel: str | None
    segments: Collection[str]
    tier: str | None = None
    orders: int = 0
    known_since: datetime | None = None


UNUSABLE = frozenset(("locked", "redeemed", "expired", "voided", "not_found"))
"""States of a coupon itself that no cart can change."""


def unusable(held: Held, moment: Moment) -> Refusal | None:
    """Why the coupon can't be used here and now, whatever is in the cart; None when it can."""
    status = effective(held.status, held.valid_until, held.locked_until, moment.now)
    if status in UNUSABLE:
        return Refusal.of(status)
    if moment.now < held.valid_from:
        return Refusal.of("not_started")
    return inapplicable(held.terms, held.currency, moment)


def inapplicable(terms: Terms, currency: str, moment: Moment) -> Refusal | None:
    """Why these terms, of a coupon or of a promotion, hold nothing for this moment and customer; None when they do."""
    if not open_at(terms.validity, moment.now, moment.time_zone):
        return Refusal.of("outside_hours")
    if currency != moment.currency:
        return Refusal.of("currency_mismatch", currency=moment.currency, offered=currency)
    scope = terms.scope
    if scope.channels and moment.channel not in scope.channels:
        return Refusal.of("wrong_channel")
    if scope.segments and not any(segment in moment.segments for segment in scope.segments):
        return Refusal.of("not_eligible")
    if scope.tiers and moment.tier not in scope.tiers:
        return Refusal.of("wrong_tier")
    if scope.first_order_only and moment.orders > 0:
        return Refusal.of("not_first_order")
    if scope.new_customer_days is not None and not _new(moment, scope.new_customer_days):
        return Refusal.of("not_new_customer", days=scope.new_customer_days)
    return None


def _new(moment: Moment, days: int) -> bool:
    """Known for at most so many days. Nobody knows since when: not new, so that no guest is new for ever."""
    return moment.known_since is not None and moment.now - moment.known_since <= timedelta(days=days)
