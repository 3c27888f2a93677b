"""Why a coupon is not given: one place for the codes, their status and what to do about them."""

from typing import Any

from shared.web import Conflict, Forbidden, Gone, NotFound, Problem

_REFUSALS: dict[str, tuple[type[Problem], str]] = {
    "not_found": (NotFound, "There is no coupon template with this id."),
    "paused": (Conflict, "This template is paused. Activate it, or try again later."),
    "not_started": (Conflict, "Claims have not started yet. Try again from `starts_at` on."),
    "ended": (Gone, "The time of this template is over."),
    "not_eligible": (Forbidden, "This customer is in none of the segments that the template is for."),
    "sold_out": (Conflict, "Every coupon of this template has been claimed."),
    "claim_limit_reached": (Conflict, "This customer has as many coupons of this template as one customer may have."),
    "day_limit_reached": (Conflict, "Today's coupons of this template are all claimed. Try again from `retry_at` on."),
    "budget_exhausted": (Conflict, "The template's budget is reserved by the coupons that were issued."),
}


def refusal(code: str, **members: Any) -> Problem:
    """The problem of that code."""
    kind, detail = _REFUSALS[code]
    return kind(code, detail, **members)


def detail_of(code: str) -> str:
    return _REFUSALS[code][1]
