"""The refusal of codes."""

from services.coupon.reasons import explain
from shared.web import Unprocessable


def coupon_invalid() -> Unprocessable:
    """The one refusal of a code: unknown, mistyped, expired, used up, somebody else's. It says nothing about which."""
    reason = explain("coupon_invalid")
    return Unprocessable(reason.code, reason.detail, detail_zh=reason.detail_zh)
