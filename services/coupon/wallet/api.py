"""Routes of the wallet. Claims are a hot route, see `claiming`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import StreamingResponse

from services.coupon.wallet.centre import ClaimCentre
from services.coupon.wallet.claiming import Claiming
from services.coupon.wallet.issuing import IssueJobs
from services.coupon.wallet.queries import Wallet
from services.coupon.wallet.rules import State
from services.coupon.wallet.schemas import (
    CentrePage,
    ClaimIn,
    CouponDetail,
    CouponView,
    IssueIn,
    JobResult,
    JobStatus,
    JobView,
    Status,
    VoidIn,
)
from services.coupon.wallet.upload import ListUpload
from services.coupon.wallet.voiding import Voiding
from shared.web import (
    Caller,
    ExternalId,
    HotRoute,
    Name,
    Page,
    PageParams,
    Provided,
    invalid,
    merchant_needs,
    needs,
)
from shared.web.bodies import read_body_as
from shared.web.chinese import chinese

router = APIRouter(prefix="/v1", tags=["coupons"])
CouponsRead = Annotated[Caller, Depends(needs("coupon:coupons:read"))]
CouponsWrite = Annotated[Caller, Depends(needs("coupon:coupons:write"))]
IssuesRead = Annotated[Caller, Depends(merchant_needs("coupon:issues:read"))]
IssuesWrite = Annotated[Caller, Depends(merchant_needs("coupon:issues:write"))]
VoidsWrite = Annotated[Caller, Depends(needs("coupon:voids:write"))]
Queries = Annotated[Wallet, Provided(Wallet)]
Jobs = Annotated[IssueJobs, Provided(IssueJobs)]
TemplateFilter = Annotated[ExternalId | None, Query(description="of this template only")]


def claim_route(claiming: Claiming) -> HotRoute:
    """The hot route of claims."""
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
        client=True,
        keyed=True,
        openapi_extra=chinese(
            "领券",
            "发给顾客一张券。409 `sold_out`、`claim_limit_reached`、`day_limit_reached`、`budget_exhausted`、`paused`、"
            "`not_started`；410 `ended`；403 `not_eligible`。",
        ),
        description="Gives the customer one coupon 领券. "
        "409 `sold_out`, `claim_limit_reached`, `day_limit_reached`, `budget_exhausted`, `paused`, "
        "`not_started`; 410 `ended`; 403 `not_eligible`.",
    )


@router.get(
    "/claim-centre",
    summary="List what a customer may claim",
    openapi_extra=chinese("领券中心：列出顾客可领的券", "正在公开发放的优惠，附剩余量、倒计时，以及不能领取的原因。"),
)
async def list_claim_centre(
    caller: CouponsRead,
    paging: PageParams,
    centre: Annotated[ClaimCentre, Provided(ClaimCentre)],
    customer_id: Annotated[ExternalId | None, Query(description="whose; an end-user's token knows by itself")] = None,
    channel: Annotated[ExternalId | None, Query(description="offers of this channel only")] = None,
    status: Annotated[State | None, Query(description="offers in this state only")] = None,
) -> CentrePage:
    """The claim centre 领券中心: active public offers with what is left, countdown, and why they can't claim."""
    return await centre.page(caller, paging, customer_id, channel, status)


@router.get("/coupons", summary="List coupons", openapi_extra=chinese("列出优惠券", "券包：优惠券，新的在前。"))
async def list_coupons(
    caller: CouponsRead,
    paging: PageParams,
    wallet: Queries,
    customer_id: Annotated[ExternalId | None, Query(description="of this customer only")] = None,
    status: Annotated[Status | None, Query(description="by the clock, as the answer shows it")] = None,
    template_id: TemplateFilter = None,
) -> Page[CouponView]:
    """The wallet 券包: coupons, newest first."""
    return await wallet.page(caller, paging, customer_id, status, template_id)


@router.get(
    "/coupons/{coupon_id}",
    summary="Read a coupon and its ledger",
    openapi_extra=chinese("读取优惠券及其流水", "一张优惠券，以及它的每次变化和原因。"),
)
async def get_coupon(caller: CouponsRead, coupon_id: str, wallet: Queries) -> CouponDetail:
    """One coupon with every change of it and why."""
    return await wallet.read(caller, coupon_id)


@router.post(
    "/coupons/{coupon_id}/void",
    summary="Take a coupon back",
    openapi_extra=chinese("作废优惠券", "收回一张优惠券，原因记入流水。被订单锁定的券不能作废。"),
)
async def void_coupon(
    caller: VoidsWrite, coupon_id: str, body: VoidIn, voiding: Annotated[Voiding, Provided(Voiding)]
) -> CouponDetail:
    """Void a coupon 作废. The reason goes into its ledger. A coupon that an order holds can't be voided."""
    return await voiding.void(caller, coupon_id, body.reason)


@router.post(
    "/coupon-templates/{template_id}/issues",
    status_code=202,
    summary="Issue coupons to a list of customers or a segment",
    openapi_extra=chinese(
        "向名单或人群批量发券",
        "以任务方式直接发券：进度见 `/v1/coupon-jobs/{id}`。JSON 可列出最多 100,000 位顾客或一个人群。CSV "
        "文件（`text/csv`，UTF-8、UTF-16 或 GB18030 编码）最多一百万行，取 `customer_id` 或“客户编号”列，"
        "没有时取第一列；文件边接收边读取，未完整到达则一张也不发。",
    )
    | {
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": IssueIn.model_json_schema()},
                "text/csv": {"schema": {"type": "string", "format": "binary", "description": "a row per customer"}},
            },
        }
    },
)
async def issue_coupons(
    caller: IssuesWrite,
    template_id: str,
    request: Request,
    jobs: Jobs,
    upload: Annotated[ListUpload, Provided(ListUpload)],
    reason: Annotated[Name | None, Query(description="why, for a CSV file; JSON has it in the body")] = None,
) -> JobView:
    """Direct issue 批量发券 as a job: read its progress at `/v1/coupon-jobs/{id}`.

    JSON names up to 100,000 customers or a segment. A CSV file (`text/csv` in UTF-8, UTF-16 or GB18030) holds up to a million, in
    the column `customer_id` or 客户编号, else the first; it is read as it comes in, and issues nothing unless it comes whole.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() == "text/csv":
        if reason is None:
            raise invalid("?reason", "missing", "Say why in the query: ?reason=…")
        return await upload.take_file(caller, template_id, request.stream(), reason)
    if reason is not None:
        raise invalid("?reason", "extra_forbidden", "JSON says why in its body; leave ?reason out.")
    body = read_body_as(IssueIn, await request.body())
    if body.segment_id is not None:
        return await jobs.create_for_segment(caller, template_id, body.segment_id, body.reason)
    return await upload.take_list(caller, template_id, body.customer_ids or (), body.reason)


@router.get("/coupon-jobs", summary="List issue jobs", openapi_extra=chinese("列出发券任务", "任务，新的在前。"))
async def list_jobs(
    caller: IssuesRead,
    paging: PageParams,
    jobs: Jobs,
    status: JobStatus | None = None,
    template_id: TemplateFilter = None,
) -> Page[JobView]:
    """Jobs, newest first."""
    return await jobs.page(paging, status, template_id)


@router.get(
    "/coupon-jobs/{job_id}",
    summary="Read the progress of an issue job",
    openapi_extra=chinese("读取发券任务的进度", "目前的数量，以及预计还需多久。"),
)
async def get_job(caller: IssuesRead, job_id: str, jobs: Jobs) -> JobView:
    """Counts so far, and how long it will still take."""
    return await jobs.read(caller, job_id)


@router.post(
    "/coupon-jobs/{job_id}/cancel",
    summary="Stop an issue job",
    openapi_extra=chinese("停止发券任务", "此任务不再给任何人发券；已发出的保留。任务已完成时返回 409 `job_done`。"),
)
async def cancel_job(caller: IssuesWrite, job_id: str, jobs: Jobs) -> JobView:
    """Nobody else gets a coupon by this job; those that were issued stay. 409 `job_done` once it is done."""
    return await jobs.cancel(caller, job_id)


@router.get(
    "/coupon-jobs/{job_id}/results",
    summary="Read what became of each customer of a job",
    openapi_extra=chinese("读取任务中每位顾客的结果", "按提交名单的顺序。"),
)
async def list_job_results(caller: IssuesRead, job_id: str, paging: PageParams, jobs: Jobs) -> Page[JobResult]:
    """In the order of the list that was sent."""
    return await jobs.results(job_id, paging)


@router.get(
    "/coupon-jobs/{job_id}/results.csv",
    summary="Download what became of each customer of a job",
    openapi_extra=chinese("下载任务中每位顾客的结果", "可用表格软件打开的文件（带 BOM 的 UTF-8，原因为中文）。"),
    response_class=StreamingResponse,
    responses={200: {"content": {"text/csv": {}}, "description": "A file"}},
)
async def download_job_results(caller: IssuesRead, job_id: str, jobs: Jobs) -> StreamingResponse:
    """The results as a file for a spreadsheet (UTF-8 with its mark, reasons in Chinese)."""
    pieces = await jobs.sheet(caller, job_id)
    headers = {"Content-Disposition": f'attachment; filename="{job_id}.csv"'}
    return StreamingResponse(pieces, media_type="text/csv; charset=utf-8", headers=headers)
