"""Which coupons of a customer and which promotions may be priced now, and why the others may not. Pure."""

from dataclasses import dataclass
from datetime import datetime

from services.coupon.audience.rules import Facts, not_for
from services.coupon.pricing.offers import Offer, Refusal
from services.coupon.templates.terms import Terms
from services.coupon.templates.validity import open_at
from services.coupon.wallet.rules import effective


@dataclass(frozen=True, slots=True)
class Candidate:
    """One coupon of the customer, or a promotion (`automatic`), that may take something off.

    `budget_left` is what orders may still take of the offer's budget, None where they take nothing of one.
    """

    id: str
    template_id: str
    terms_version: int
    terms: Terms
    name: str
    currency: str
    valid_from: datetime
    valid_until: datetime
    status: str = "issued"
    locked_until: datetime | None = None
    face_amount: int | None = None
    budget_left: int | None = None
    automatic: bool = False

    def offer(self) -> Offer:
        """The same for the engine, which knows no names and no times."""
        return Offer(
            self.id,
            self.template_id,
            self.terms,
            self.valid_until,
            self.terms_version,
            self.automatic,
            self.face_amount,
        )


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


def unusable(candidate: Candidate, moment: Moment) -> Refusal | None:
    """Why it can't be used here and now, whatever is in the cart; None when it can."""
    status = effective(candidate.status, candidate.valid_until, candidate.locked_until, moment.now)
    if status in UNUSABLE:
        return Refusal.of(status)
    if moment.now < candidate.valid_from:
        return Refusal.of("not_started")
    if candidate.currency != moment.currency:
        return Refusal.of("currency_mismatch", currency=moment.currency, offered=candidate.currency)
    return inapplicable(candidate.terms, moment)


def inapplicable(terms: Terms, moment: Moment) -> Refusal | None:
    """Why these terms hold nothing for this moment and customer; None when they do."""
    if not open_at(terms.validity, moment.now, moment.time_zone):
        return Refusal.of("outside_hours")
    scope = terms.scope
    if scope.channels and moment.channel not in scope.channels:
        return Refusal.of("wrong_channel")
    unfit = not_for(scope, moment.facts, moment.now)
    if unfit is None and scope.first_order_only and moment.facts.held:
        unfit = "first_order_held"
    return None if unfit is None else Refusal.of(unfit)
