"""Why a till is refused: one place for the answers of this room."""

from services.coupon.pricing.schemas import RejectedView
from services.coupon.reasons import explain
from shared.web import Caller, Conflict, Forbidden, Gone, NotFound, Problem


def unusable(status: str) -> Conflict:
    """The coupon's own state does not allow it: `coupon_redeemed`, `coupon_locked`, `coupon_expired`, `coupon_voided`."""
    reason = explain(status)
    return Conflict(f"coupon_{status}", reason.detail, detail_zh=reason.detail_zh)


def refused(refusal: RejectedView) -> Conflict:
    """The terms do not allow it here and now, or for these goods."""
    problem = Conflict(refusal.code, refusal.detail, detail_zh=refusal.detail_zh)
    problem.members |= refusal.model_dump(include={"missing_amount", "missing_quantity", "unmet"}, exclude_none=True)
    return problem


def over_budget() -> Conflict:
    """The offer's budget does not hold what the till would take off."""
    reason = explain("budget_exhausted")
    return Conflict("budget_exhausted", reason.detail, detail_zh=reason.detail_zh)


def unknown_token() -> Problem:
    """The one answer to a forged token, an unknown code and a coupon that is not that customer's."""
    detail = "No coupon is on show under this. Ask the customer to show it again."
    return NotFound("token_unknown", detail, detail_zh="没有找到该券码，请顾客重新出示。")


def mistyped() -> Problem:
    """The check digit of a short code is wrong."""
    detail = "The nine digits do not fit together: one was misread. Read them again."
    return Conflict("short_code_mistyped", detail, detail_zh="券码输入有误，请核对后重新输入。")


def too_old() -> Gone:
    """The token was ours, and its minute is over."""
    detail = "The time of this token is over. Ask the customer to show the coupon again."
    return Gone("token_expired", detail, detail_zh="券码已失效，请顾客刷新后重新出示。")


def staff_shop(caller: Caller) -> str:
    """The shop that the caller's staff key works for. Raises Forbidden without one."""
    if caller.shop_id is None or caller.customer_id is not None:
        raise Forbidden(
            "staff_key_needed", "Redeeming needs a staff key: one that was made with the `shop_id` of its shop."
        )
    return caller.shop_id
