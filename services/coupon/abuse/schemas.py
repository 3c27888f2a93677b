"""What operators send and get about abuse."""

from ipaddress import ip_address, ip_network
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from services.coupon.abuse.rules import Action, Subject
from shared.web import Body, Instant, Name, Text, View

Effect = Literal["refuse", "review"]
DeniedSubject = Literal["customer", "device", "address", "network"]
Status = Literal["open", "cleared", "voided", "denied"]
Most = Annotated[int, Field(strict=True, ge=1, le=1_000)]
Window = Annotated[int, Field(strict=True, ge=1, le=31 * 86_400)]


class RuleIn(Body):
    """At most `limit` coupons of one subject by one action in any `window_seconds` 频次规则."""

    subject: Subject
    action: Action
    limit: Most
    window_seconds: Window
    effect: Annotated[Effect, Field(description="`review`: the coupon is given, and a case opened")] = "refuse"


class RulePatch(Body):
    """What to change; what was counted so far stays counted."""

    limit: Most | None = None
    window_seconds: Window | None = None
    effect: Effect | None = None


class RuleView(View):
    """A velocity rule."""

    id: str
    subject: Subject
    action: Action
    limit: int
    window_seconds: int
    effect: Effect
    created_by: str
    created_at: Instant
    updated_at: Instant


class DenialIn(Body):
    """Somebody who gets nothing any more 黑名单: a customer's id, a device id, an IP address, or a network `203.0.113.0/24`."""

    subject: DeniedSubject
    value: Name
    reason: Name
    until: Instant | None = None

    @model_validator(mode="after")
    def _an_address_is_one(self) -> Self:
        try:
            if self.subject == "address":
                ip_address(self.value)
            elif self.subject == "network":
                ip_network(self.value, strict=False)
        except ValueError:
            raise ValueError("value must be an IP address, or a network such as 203.0.113.0/24") from None
        return self


class DenialView(View):
    """An entry of the deny list. A device or an address is kept as a keyed hash, which is what `value` shows."""

    id: str
    subject: DeniedSubject
    value: str
    reason: str
    until: Instant | None
    created_by: str
    created_at: Instant


class ReasonView(View):
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
    reasons: list[ReasonView]
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
