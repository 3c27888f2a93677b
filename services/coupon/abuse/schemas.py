"""What operators send and get about abuse."""

from ipaddress import ip_address, ip_network
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from services.coupon.abuse.rules import Action, Subject
from shared.web import Body, ExternalId, Instant, Name, View

Effect = Literal["refuse", "review"]
DeniedSubject = Literal["customer", "device", "address", "network"]
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
    value: ExternalId
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
