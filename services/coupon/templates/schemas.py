"""What clients send and get about offers."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from services.coupon.templates.benefits import Benefit
from services.coupon.templates.scopes import Flag
from services.coupon.templates.terms import Funder, Limits, RefundPolicy, Scope, Stacking, Terms, Threshold, ToldScope
from services.coupon.templates.validity import Usable, Validity
from shared.money import Currency
from shared.web import Body, Instant, Name, View

Status = Literal["draft", "active", "paused", "ended"]
"""`draft` was never live 草稿, `active` is 生效, `paused` may go on 暂停, `ended` never does 结束."""
_EXAMPLE: dict[str, Any] = {
    "name": "满300减50",
    "currency": "CNY",
    "benefit": {"kind": "amount_off", "amount": 5000},
    "threshold": {"amount": 30000},
    "scope": {"include": {"categories": ["shoes"]}, "exclude": {"products": ["p9"]}},
    "validity": {"days_after_claim": 30},
    "limits": {"total": 1000, "per_customer": 1},
}


class OfferIn(Terms):
    """A new offer of any kind."""

    name: Name
    currency: Currency = "CNY"
    limits: Limits = Limits()
    status: Status = "active"

    def terms(self) -> Terms:
        """The part of the body that coupons are issued under."""
        return Terms.model_validate({name: getattr(self, name) for name in Terms.model_fields})


class TemplateIn(OfferIn):
    """A new offer 券模板. `visible_in_centre` false keeps a private offer out of the claim centre 领券中心."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})
    visible_in_centre: Flag = True


class OfferPatch(Body):
    """What to change. Parts are replaced whole, except `limits`: there, each field given is changed."""

    name: Name | None = None
    status: Status | None = None
    benefit: Benefit | None = None
    threshold: Threshold | None = None
    scope: Scope | None = None
    validity: Validity | None = None
    stacking: Stacking | None = None
    allow_zero_pay: Flag | None = None
    refund_policy: RefundPolicy | None = None
    reusable_after_refund: Flag | None = None
    funder: Funder | None = None
    limits: Limits | None = None


class TemplatePatch(OfferPatch):
    """What to change of a coupon template. Parts are replaced whole, except `limits`: there, each field given is changed."""

    visible_in_centre: Flag | None = None


class SummaryView(View):
    """What the offer says in one line 优惠文案, in either language."""

    zh: str
    en: str


class OfferView(View):
    """An offer, its present terms, and its counters."""

    id: str
    name: str
    summary: SummaryView
    status: Status
    currency: str
    benefit: Benefit
    threshold: Threshold
    scope: Scope
    validity: Validity
    stacking: Stacking
    allow_zero_pay: bool
    refund_policy: RefundPolicy
    reusable_after_refund: bool
    funder: Funder
    limits: Limits
    version: Annotated[int, Field(description="grows with every change")]
    issued: int
    remaining: Annotated[int | None, Field(description="how many are left; null without a total")]
    budget_spent: Annotated[int, Field(description="minor units of the budget that are held or used")]
    created_at: Instant
    updated_at: Instant


class TemplateView(OfferView):
    """A coupon template, its present terms, and how many coupons it gave out."""

    visible_in_centre: bool


class ShownTemplate(View):
    """A coupon template as every shopper may see it, with a publishable key or an end-user's token.

    What the claim centre 领券中心 shows and nothing else: no budgets, no counters, nothing of the merchant's own.
    """

    id: str
    name: str
    summary: SummaryView
    currency: str
    benefit: Benefit
    threshold: Threshold
    scope: ToldScope
    members_only: Annotated[bool, Field(description="for chosen segments or tiers only; others' claims are refused")]
    validity: Usable
    per_customer: Annotated[int | None, Field(description="how many one customer may have; null without a limit")]
    state: Annotated[
        Literal["claimable", "not_started", "gone"],
        Field(description="gone 已抢光: nothing is left, today or for good"),
    ]
