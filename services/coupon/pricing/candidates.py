"""Which coupons of a customer and which promotions may be priced now, and why the others may not. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from services.coupon.audience.rules import Facts, unfit
from services.coupon.pricing.cart import Cart
from services.coupon.pricing.engine import lacking
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
    found = inapplicable(candidate.terms, moment)
    return Refusal.of_all(found) if found else None


def sort_out(candidates: Iterable[Candidate], moment: Moment) -> tuple[list[Candidate], dict[str, Refusal]]:
    """Those that may be used here and now, and by id why the others may not, whatever is in the cart."""
    usable: list[Candidate] = []
    refused: dict[str, Refusal] = {}
    for candidate in candidates:
        refusal = unusable(candidate, moment)
        if refusal is None:
            usable.append(candidate)
        else:
            refused[candidate.id] = refusal
    return usable, refused


def with_the_carts(
    refused: Mapping[str, Refusal], candidates: Mapping[str, Candidate], cart: Cart
) -> dict[str, Refusal]:
    """The same refusals; to conditions of the moment and the customer are added those that the cart does not meet."""
    asked = [candidates[one].offer() for one, refusal in refused.items() if refusal.unmet]
    more = lacking(cart, asked) if asked else {}
    return {
        one: Refusal.of_all([*refusal.unmet, *more[one]]) if one in more else refusal
        for one, refusal in refused.items()
    }


def inapplicable(terms: Terms, moment: Moment) -> list[Refusal]:
    """All conditions of these terms that this moment and customer do not meet."""
    found = [] if open_at(terms.validity, moment.now, moment.time_zone) else ["outside_hours"]
    scope = terms.scope
    if scope.channels and moment.channel not in scope.channels:
        found.append("wrong_channel")
    about = unfit(scope, moment.facts, moment.now)
    if scope.first_order_only and moment.facts.held and "not_eligible:first_order" not in about:
        about.append("first_order_held")
    return [Refusal.of(one) for one in (*found, *about)]
