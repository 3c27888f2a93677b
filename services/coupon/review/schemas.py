"""What operators get about cases, and send to decide on them."""

from typing import Annotated, Literal

from pydantic import Field

from services.coupon.abuse.rules import Subject
from shared.web import Body, Instant, Text, View

Status = Literal["open", "cleared", "voided", "denied"]


class CaseReasonView(View):
    """One thing that looks wrong, and how much it weighs."""

    code: str
    points: int
    detail: str
    detail_zh: str


class CaseView(View):
    """Coupons that look wrong 风险案例. `value` is a customer's id, or the keyed hash of a device or address."""

    id: str
    subject: Subject
    value: str
    status: Status
    score: Annotated[int, Field(description="0 to 100")]
    reasons: list[CaseReasonView]
    coupons: Annotated[int, Field(description="how many coupons it holds")]
    opened_at: Instant
    updated_at: Instant
    decided_at: Instant | None
    decided_by: str | None
    note: str | None


class CaseCouponView(View):
    """One coupon of a case. `outcome`: `voided`, or the state that kept it from being voided."""

    coupon_id: str
    template_id: str
    customer_id: str
    outcome: str | None


class CaseDetail(CaseView):
    """A case with its coupons."""

    suspects: Annotated[list[CaseCouponView], Field(description="the first thousand of its coupons")]


class DecisionIn(Body):
    """`clear`: nothing wrong. `void`: take the coupons back. `deny`: that, and the subject gets nothing any more."""

    decision: Literal["clear", "void", "deny"]
    note: Text = ""
    until: Annotated[Instant | None, Field(description="with `deny`: until when; empty = for good")] = None
