"""Which coupons of a customer may be priced now, and why the others may not. Pure."""

from dataclasses import dataclass
from datetime import datetime

from services.coupon.audience.rules import Facts, not_for
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
    """When, where and for whom the cart is priced."""

    now: datetime
    time_zone: str
    currency: str
    channel: str | None
    facts: Facts


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
    unfit = not_for(scope, moment.facts, moment.now)
    if unfit is None and scope.first_order_only and moment.facts.held:
        unfit = "first_order_held"
    return None if unfit is None else Refusal.of(unfit)
