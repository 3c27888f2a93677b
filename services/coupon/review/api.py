"""Routes of the review queue: for operators only."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from services.coupon.abuse.rules import Subject
from services.coupon.review.reviewing import Reviewing
from services.coupon.review.schemas import CaseDetail, CaseView, DecisionIn, Status
from shared.web import Caller, ExternalId, Page, PageParams, Provided, operator_needs
from shared.web.chinese import chinese

router = APIRouter(prefix="/v1/abuse", tags=["abuse"])
AbuseRead = Annotated[Caller, Depends(operator_needs("coupon:abuse:read"))]
AbuseWrite = Annotated[Caller, Depends(operator_needs("coupon:abuse:write"))]
Queue = Annotated[Reviewing, Provided(Reviewing)]


@router.get(
    "/cases",
    summary="List cases to review",
    openapi_extra=chinese("列出待审核的案件", "审核队列：`?status=open`，每个案件都有分数和中英文原因。"),
)
async def list_cases(
    _: AbuseRead,
    paging: PageParams,
    queue: Queue,
    status: Status | None = None,
    subject: Subject | None = None,
    customer_id: Annotated[ExternalId | None, Query(description="with a coupon of this customer")] = None,
) -> Page[CaseView]:
    """The review queue 审核队列: `?status=open`, each case with its score and reasons in English and Chinese."""
    return await queue.page(paging, status, subject, customer_id)


@router.get(
    "/cases/{case_id}", summary="Read a case and its coupons", openapi_extra=chinese("读取案件及其优惠券", "一个案件。")
)
async def get_case(_: AbuseRead, case_id: str, queue: Queue) -> CaseDetail:
    """One case."""
    return await queue.read(case_id)


@router.post(
    "/cases/{case_id}/decide",
    summary="Decide on a case",
    openapi_extra=chinese(
        "裁定案件", "`clear`（放行）、`void`（收回其优惠券）或 `deny`（收回，并且今后不再发放）。409 `case_decided`。"
    ),
)
async def decide_case(caller: AbuseWrite, case_id: str, body: DecisionIn, queue: Queue) -> CaseDetail:
    """`clear`, `void` (its coupons are taken back) or `deny` (that, and its subject gets nothing more). 409 `case_decided`."""
    return await queue.decide(caller, case_id, body)
