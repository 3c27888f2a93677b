"""What clients send and get about coupons."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from services.coupon.wallet.rules import State
from services.coupon.wishes import Source
from shared.web import Body, ExternalId, Instant, Name, Page, View

Status = Literal["issued", "locked", "redeemed", "expired", "voided"]
JobStatus = Literal["receiving", "listing", "running", "done", "cancelled"]
MOST_CUSTOMERS = 100_000
"""In one JSON list; a CSV file may hold more."""


class ClaimIn(Body):
    """Who claims 领券."""

    customer_id: ExternalId


class IssueIn(Body):
    """Direct issue 发券: to a list of customers (named twice, one gets two, within the limits) or to a segment's members."""

    customer_ids: Annotated[list[ExternalId], Field(min_length=1, max_length=MOST_CUSTOMERS)] | None = None
    segment_id: ExternalId | None = None
    reason: Name

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.customer_ids is None) == (self.segment_id is None):
            raise ValueError("name either customer_ids or a segment_id")
        return self


class RefusalView(View):
    """Why not: a code for programs, a sentence for people in either language."""

    code: str
    detail: str
    detail_zh: str


class CentreOffer(View):
    """An offer as one customer sees it in the claim centre.

    claimed: they have as many as they may have; gone 已抢光: nothing is left, today or for good; `reason` says which.
    """

    template_id: str
    name: str
    currency: str
    benefit: dict[str, Any]
    threshold: dict[str, Any]
    state: State
    reason: Annotated[RefusalView | None, Field(description="null when they may claim")]
    total: int | None
    remaining: Annotated[int | None, Field(description="of the total; null without one")]
    taken_percent: Annotated[
        int | None, Field(description="已抢, whole percent of the total, 100 only when it is gone")
    ]
    held: Annotated[int, Field(description="coupons of it that they got so far")]
    may_claim: Annotated[int | None, Field(description="how many more; null without any limit")]
    starts_at: Instant | None
    ends_at: Instant | None
    days_after_claim: Annotated[int | None, Field(description="how long a coupon is valid once it is claimed")]


class CentrePage(Page[CentreOffer]):
    """Offers, newest first. Count down from `server_time`: a shopper's clock may be wrong."""

    server_time: Instant


class VoidIn(Body):
    """Why the coupon is taken back."""

    reason: Name


class CouponView(View):
    """One customer's coupon. `status` is computed from the clock at the time of the answer."""

    id: str
    template_id: str
    template_name: str
    customer_id: str
    code: str
    status: Status
    source: Source
    currency: str
    benefit: dict[str, Any]
    threshold: dict[str, Any]
    valid_from: Instant
    valid_until: Annotated[Instant | None, Field(description="null when it never ends")]
    issued_at: Instant
    server_time: Annotated[Instant, Field(description="of this answer, for the countdown to `valid_until`")]


class EntryView(View):
    """One change of the coupon, with its cause."""

    step: int
    event: str
    from_status: str | None
    to_status: str
    amount: int | None
    budget_change: int
    checkout_id: str | None
    reason: str
    actor: str
    occurred_at: Instant


class CouponDetail(CouponView):
    """A coupon with its ledger, oldest change first."""

    checkout_id: Annotated[str | None, Field(description="the checkout that holds it now")]
    ledger: list[EntryView]


class JobView(View):
    """A direct issue under way. `refused_by` counts the refusals by code; `note` says why it was cancelled."""

    id: str
    template_id: str
    status: JobStatus
    reason: str
    segment_id: str | None
    total: Annotated[int, Field(description="customers named so far; final from running on")]
    issued: int
    refused: int
    refused_by: dict[str, int]
    percent: int
    rate: Annotated[int | None, Field(description="customers a second")]
    eta_seconds: Annotated[int | None, Field(description="what it will still take at this rate")]
    note: str | None
    created_at: Instant
    started_at: Instant | None
    updated_at: Instant


class JobResult(View):
    """What became of one customer of a job."""

    position: int
    customer_id: str
    outcome: Literal["waiting", "issued", "refused"]
    coupon_id: str | None
    code: str | None
