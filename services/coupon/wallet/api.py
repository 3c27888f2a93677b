"""Routes of the wallet. Claims are a hot route, see `claiming`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from services.coupon.wallet.claiming import Claiming
from services.coupon.wallet.ending import Ending
from services.coupon.wallet.jobs import IssueJobs
from services.coupon.wallet.reading import Wallet
from services.coupon.wallet.schemas import (
    ClaimIn,
    CouponDetail,
    CouponView,
    IssueIn,
    JobResult,
    JobView,
    Status,
    VoidIn,
)
from shared.web import Caller, ExternalId, HotRoute, Page, PageParams, Provided, needs

router = APIRouter(prefix="/v1", tags=["coupons"])
CouponsRead = Annotated[Caller, Depends(needs("coupon:coupons:read"))]
CouponsWrite = Annotated[Caller, Depends(needs("coupon:coupons:write"))]
IssuesRead = Annotated[Caller, Depends(needs("coupon:issues:read"))]
IssuesWrite = Annotated[Caller, Depends(needs("coupon:issues:write"))]
VoidsWrite = Annotated[Caller, Depends(needs("coupon:voids:write"))]
Reading = Annotated[Wallet, Provided(Wallet)]
Jobs = Annotated[IssueJobs, Provided(IssueJobs)]
TemplateFilter = Annotated[ExternalId | None, Query(description="of this template only")]


def claim_route(claiming: Claiming) -> HotRoute:
    return HotRoute(
        "POST",
        "/v1/coupon-templates/{template_id}/claims",
        "coupon:coupons:write",
        claiming.claim_coupon,
        "Claim a coupon",
        body=ClaimIn,
        answer=CouponView,
        status=201,
        tags=("coupons",),
        errors=(403, 404, 409, 410),
        description="409 `sold_out`, `claim_limit_reached`, `day_limit_reached`, `budget_exhausted`, `paused`, "
        "`not_started`; 410 `ended`; 403 `not_eligible`.",
    )


@router.get("/coupons", summary="List coupons")
async def list_coupons(
    caller: CouponsRead,
    paging: PageParams,
    wallet: Reading,
    customer_id: Annotated[ExternalId | None, Query(description="of this customer only")] = None,
    status: Annotated[Status | None, Query(description="by the clock, as the answer shows it")] = None,
    template_id: TemplateFilter = None,
) -> Page[CouponView]:
    """The wallet 券包: coupons, newest first."""
    return await wallet.page(caller, paging, customer_id, status, template_id)


@router.get("/coupons/{coupon_id}", summary="Read a coupon and its ledger")
async def get_coupon(caller: CouponsRead, coupon_id: str, wallet: Reading) -> CouponDetail:
    """One coupon with every change of it and why."""
    return await wallet.get(caller, coupon_id)


@router.post("/coupons/{coupon_id}/void", summary="Take a coupon back")
async def void_coupon(
    caller: VoidsWrite, coupon_id: str, body: VoidIn, ending: Annotated[Ending, Provided(Ending)]
) -> CouponDetail:
    """Void a coupon 作废. The reason goes into its ledger. A coupon that an order holds can't be voided."""
    return await ending.void(caller, coupon_id, body.reason)


@router.post("/coupon-templates/{template_id}/issues", status_code=202, summary="Issue coupons to a list of customers")
async def issue_coupons(caller: IssuesWrite, template_id: str, body: IssueIn, jobs: Jobs) -> JobView:
    """Direct issue 发券 as a job: read its progress at `/v1/coupon-jobs/{id}`."""
    return await jobs.accept(caller, template_id, body)


@router.get("/coupon-jobs", summary="List issue jobs")
async def list_jobs(
    caller: IssuesRead,
    paging: PageParams,
    jobs: Jobs,
    status: Annotated[str | None, Query(pattern="^(running|done)$")] = None,
    template_id: TemplateFilter = None,
) -> Page[JobView]:
    """Jobs, newest first."""
    return await jobs.page(paging, status, template_id)


@router.get("/coupon-jobs/{job_id}", summary="Read the progress of an issue job")
async def get_job(caller: IssuesRead, job_id: str, jobs: Jobs) -> JobView:
    """Counts so far."""
    return await jobs.get(job_id)


@router.get("/coupon-jobs/{job_id}/results", summary="Read what became of each customer of a job")
async def list_job_results(caller: IssuesRead, job_id: str, paging: PageParams, jobs: Jobs) -> Page[JobResult]:
    """In the order of the list that was sent."""
    return await jobs.results(job_id, paging)
