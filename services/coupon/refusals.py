"""Why a coupon is not given: the status of each code. What is said comes from `reasons`."""

from typing import Any

from services.coupon.reasons import Reason, explain
from shared.web import Conflict, Forbidden, Gone, NotFound, Problem, Unprocessable

REFUSALS: dict[str, tuple[type[Problem], str]] = {
    "not_found": (NotFound, "not_found:template"),
    "paused": (Conflict, "paused"),
    "not_started": (Conflict, "not_started:claims"),
    "not_started:draft": (Conflict, "not_started:draft"),
    "ended": (Gone, "ended"),
    "not_eligible:customer": (Forbidden, "not_eligible:customer"),
    "not_eligible:segment": (Forbidden, "not_eligible:segment"),
    "not_eligible:tier": (Forbidden, "not_eligible:tier"),
    "not_eligible:new_customer": (Forbidden, "not_eligible:new_customer"),
    "not_eligible:first_order": (Forbidden, "not_eligible:first_order"),
    "sold_out": (Conflict, "sold_out"),
    "unclear_id": (Unprocessable, "unclear_id"),
    "claim_limit_reached": (Conflict, "claim_limit_reached"),
    "day_limit_reached": (Conflict, "day_limit_reached"),
    "budget_exhausted": (Conflict, "budget_exhausted"),
    "paused:pack": (Conflict, "paused:pack"),
    "sold_out:pack": (Conflict, "sold_out:pack"),
    "claim_limit_reached:pack": (Conflict, "claim_limit_reached:pack"),
}


def refusal(code: str, **members: Any) -> Problem:
    """The problem of that code, with its sentence in Chinese as a further member."""
    kind, _ = REFUSALS[code]
    reason = reason_of(code)
    return kind(reason.code, reason.detail, detail_zh=reason.detail_zh, **members)


def reason_of(code: str) -> Reason:
    """What a refused claim is told."""
    return explain(REFUSALS[code][1])


def told_zh(code: str) -> str:
    """The sentence in Chinese of a refusal that is on record by its code alone; empty for a code of another room."""
    known = next((key for key in REFUSALS if key.partition(":")[0] == code), None)
    return "" if known is None else reason_of(known).detail_zh
