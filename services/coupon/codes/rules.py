"""What a code is worth to a customer at this moment. Pure."""

from datetime import datetime
from typing import Literal

from services.coupon.codes.models import PublicCode

UniqueState = Literal["usable", "redeemed", "voided", "expired"]
PublicState = Literal["usable", "paused", "not_started", "expired", "used_up"]

TOLD = frozenset(("claim_limit_reached", "day_limit_reached", "not_started", "not_eligible", "velocity_exceeded"))
"""Refusals of the template that whoever proved a valid code may know: their own state, and what passes with time.

Anything else (sold out, paused, over) sounds like a wrong code: `coupon_invalid`.
"""


def unique_state(coupon_id: str | None, batch_status: str, valid_until: datetime | None, now: datetime) -> UniqueState:
    """What a unique code gives now."""
    if coupon_id is not None:
        return "redeemed"
    if batch_status == "voided":
        return "voided"
    return "expired" if valid_until is not None and valid_until <= now else "usable"


def public_state(row: PublicCode, now: datetime) -> PublicState:
    """What a public code gives now."""
    if row.status != "active":
        return "paused"
    if row.valid_from is not None and now < row.valid_from:
        return "not_started"
    if row.valid_until is not None and row.valid_until <= now:
        return "expired"
    return "used_up" if row.total is not None and row.used >= row.total else "usable"
