"""Which coupons of a customer may be priced now, and why the others may not. Pure."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from services.coupon.pricing.rules import Offer, Refusal
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
    segments: Collection[str]


UNUSABLE = {
    "locked": "Another order holds this coupon until it is paid or given up.",
    "redeemed": "This coupon was used already.",
    "expired": "The time of this coupon is over.",
    "voided": "This coupon was taken back.",
    "not_found": "This customer has no coupon with this id.",
}
"""States of a coupon itself that no cart can change."""


def unusable(held: Held, moment: Moment) -> Refusal | None:
    """Why the coupon can't be used here and now, whatever is in the cart; None when it can."""
    status = effective(held.status, held.valid_until, held.locked_until, moment.now)
    if status in UNUSABLE:
        return Refusal(status, UNUSABLE[status])
    if moment.now < held.valid_from:
        return Refusal("not_started", "This coupon is valid later; see its `valid_from`.")
    if not open_at(held.terms.validity, moment.now, moment.time_zone):
        return Refusal("outside_hours", "This coupon is not valid on this weekday or at this hour.")
    if held.currency != moment.currency:
        return Refusal("currency_mismatch", f"This coupon is in {held.currency}, the cart in {moment.currency}.")
    scope = held.terms.scope
    if scope.channels and moment.channel not in scope.channels:
        return Refusal("wrong_channel", "This coupon is for other channels; send the cart's `channel`.")
    if scope.segments and not any(segment in moment.segments for segment in scope.segments):
        return Refusal("not_eligible", "This customer is in none of the segments that the coupon is for.")
    return None
