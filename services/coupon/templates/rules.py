"""What makes an offer acceptable, and the most that one coupon of it can cost. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from services.coupon.templates.benefits import Benefit
from services.coupon.templates.terms import Limits, Terms
from shared.web import Caller

OfferKind = Literal["coupon", "promotion"]


@dataclass(frozen=True, slots=True)
class Fault:
    """A field that a rule refuses: where, why, and what to do."""

    pointer: str
    code: str
    detail: str
    offers: tuple[str, ...] = ()
    """The live offers that it is about."""
    lines: tuple[Mapping[str, Any], ...] = ()
    """An example: a cart as one sends it."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """An offer that is about to be live: a new one, or the one of this id with other terms. `caller` is who wants it."""

    caller: Caller
    id: str | None
    name: str
    kind: OfferKind
    currency: str
    terms: Terms


def refused_step(before: str, after: str) -> tuple[str, str] | None:
    """Code and sentence of why an offer can't be changed so that its status is `after`; None where it can."""
    if before == "ended":
        return "offer_ended", "This offer has ended and stays as it was. Make a new one."
    if after == "draft" and before != "draft":
        return "offer_launched", "This offer was launched before. Set its status to paused to stop it."
    return None


def worst_case(benefit: Benefit) -> int | None:
    """The highest discount that one coupon can give, in minor units; None when nothing bounds it."""
    return benefit.most()


def faults(terms: Terms, limits: Limits, kind: OfferKind = "coupon") -> Sequence[Fault]:
    """What speaks against this offer; empty when nothing does."""
    found = [] if kind == "coupon" else _nobodys_copies(terms, limits)
    if not terms.allow_zero_pay and terms.benefit.may_be_free(terms.threshold.amount):
        found.append(
            Fault(
                "#/benefit",
                "zero_pay",
                "The discount reaches the threshold, so an order could be free. Raise the threshold, lower the discount, "
                "or set allow_zero_pay to true.",
            )
        )
    reserved = kind == "coupon" and limits.budget_on == "issue"  # else an order takes what it uses, when it locks
    if limits.budget is not None and reserved and worst_case(terms.benefit) is None:
        found.append(
            Fault(
                "#/limits/budget",
                "budget_needs_a_bound",
                "A budget that is reserved at issue needs a highest discount per coupon: set max_amount, max_units or "
                "max_times where the benefit has it, or let limits.budget_on be redemption.",
            )
        )
    return found


def _nobodys_copies(terms: Terms, limits: Limits) -> list[Fault]:
    """A promotion is in nobody's wallet: what counts from a claim, or counts a customer's copies, means nothing there."""
    found = []
    if limits.per_customer is not None:
        detail = "A promotion has no copies to count for each customer. Leave per_customer out."
        found.append(Fault("#/limits/per_customer", "not_for_promotions", detail))
    if limits.budget_on == "issue":
        detail = "Nothing of a promotion is issued: its orders take of the budget. Leave budget_on out."
        found.append(Fault("#/limits/budget_on", "not_for_promotions", detail))
    if terms.validity.days_after_claim is not None:
        detail = "A promotion is not claimed. Say `until` in the place of days_after_claim."
        found.append(Fault("#/validity/days_after_claim", "not_for_promotions", detail))
    return found
