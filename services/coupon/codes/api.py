"""Routes of the codes. Redeeming is a hot route, see `redeeming`."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse

from services.coupon.codes.batches import CodeBatches
from services.coupon.codes.download import Downloads
from services.coupon.codes.public_codes import PublicCodes
from services.coupon.codes.queries import CodeLookup
from services.coupon.codes.redeeming import Redeeming
from services.coupon.codes.schemas import (
    BatchStatus,
    BatchView,
    CodeLookupView,
    CodesIn,
    CodeView,
    PublicCodeIn,
    PublicCodePatch,
    PublicCodeView,
    PublicStatus,
    RedeemIn,
)
from services.coupon.wallet.schemas import CouponView
from shared.web import Caller, ExternalId, HotRoute, Page, PageParams, Provided, needs
from shared.web.chinese import chinese

router = APIRouter(prefix="/v1", tags=["codes"])
CodesRead = Annotated[Caller, Depends(needs("coupon:codes:read"))]
CodesWrite = Annotated[Caller, Depends(needs("coupon:codes:write"))]
Batches = Annotated[CodeBatches, Provided(CodeBatches)]
Management = Annotated[PublicCodes, Provided(PublicCodes)]
TemplateFilter = Annotated[ExternalId | None, Query(description="of this template only")]
_SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_MEDIA = {"csv": "text/csv; charset=utf-8", "xlsx": _SHEET}


def redeem_route(redeeming: Redeeming) -> HotRoute:
    """The hot route of redeeming."""
    return HotRoute(
        "POST",
        "/v1/codes/redeem",
        "coupon:coupons:write",
        redeeming.redeem_code,
        "Redeem a code",
        body=RedeemIn,
        answer=CouponView,
        status=201,
        tags=("codes",),
        errors=(403, 409, 422, 429),
        client=True,
        keyed=True,
        openapi_extra=chinese(
            "兑换码换券",
            "一券一码和公共码都可以。凡是不能兑换的码，无论原因，一律返回 422 `coupon_invalid`；"
            "409 `claim_limit_reached`、`day_limit_reached`、`not_started` 和 403 `not_eligible` 只在码有效时出现。"
            "顾客自己已兑换的码会再次返回那张优惠券。失败会计数：同一地址、顾客或设备失败数次后返回 429 `too_many_attempts`。",
        ),
        description="Unique and public codes alike. 422 `coupon_invalid` for every code that gives nothing, whatever the "
        "reason; 409 `claim_limit_reached`, `day_limit_reached`, `not_started` and 403 `not_eligible` only with a valid "
        "code. The customer's own redeemed code answers its coupon again. Refusals count: after a few of one address, "
        "customer or device it is 429 `too_many_attempts`.",
    )


@router.post(
    "/coupon-templates/{template_id}/codes",
    status_code=202,
    summary="Make unique codes",
    openapi_extra=chinese("生成兑换码", "以任务方式生成最多一百万个一券一码的兑换码：进度见 `/v1/code-batches/{id}`。"),
)
async def make_codes(caller: CodesWrite, template_id: str, body: CodesIn, batches: Batches) -> BatchView:
    """Up to a million unique codes 兑换码 as a job: read its progress at `/v1/code-batches/{id}`."""
    return await batches.create(caller, template_id, body)


@router.get(
    "/code-batches", summary="List batches of codes", openapi_extra=chinese("列出兑换码批次", "批次，新的在前。")
)
async def list_batches(
    caller: CodesRead,
    paging: PageParams,
    batches: Batches,
    status: BatchStatus | None = None,
    template_id: TemplateFilter = None,
) -> Page[BatchView]:
    """Batches, newest first."""
    return await batches.page(paging, status, template_id)


@router.get(
    "/code-batches/{batch_id}",
    summary="Read the progress of a batch of codes",
    openapi_extra=chinese("读取兑换码批次的进度", "已生成和已兑换的数量。"),
)
async def get_batch(caller: CodesRead, batch_id: str, batches: Batches) -> BatchView:
    """How many are made and redeemed."""
    return await batches.read(caller, batch_id)


@router.get(
    "/code-batches/{batch_id}/codes",
    summary="List the codes of a batch",
    openapi_extra=chinese("列出批次中的兑换码", "按编号排列的兑换码，以及由谁兑换。"),
)
async def list_codes(
    caller: CodesRead,
    batch_id: str,
    paging: PageParams,
    batches: Batches,
    redeemed: Annotated[bool | None, Query(description="only those that are (not) redeemed")] = None,
) -> Page[CodeView]:
    """Codes by number, with who redeemed them."""
    return await batches.codes(batch_id, paging, redeemed)


@router.get(
    "/code-batches/{batch_id}/download",
    summary="Download the codes of a batch",
    openapi_extra=chinese("下载批次的兑换码", "以文件形式下载已完成批次的全部兑换码。"),
    response_class=StreamingResponse,
    responses={200: {"content": {"text/csv": {}, _SHEET: {}}, "description": "A file"}},
)
async def download_codes(
    caller: CodesRead,
    batch_id: str,
    downloads: Annotated[Downloads, Provided(Downloads)],
    format: Annotated[Literal["csv", "xlsx"], Query(description="csv, or an Excel sheet")] = "csv",
) -> StreamingResponse:
    """All codes of a finished batch as a file."""
    await downloads.ready(caller, batch_id)
    stream = downloads.csv(caller, batch_id) if format == "csv" else downloads.xlsx(caller, batch_id)
    headers = {"Content-Disposition": f'attachment; filename="{batch_id}.{format}"', "Cache-Control": "no-store"}
    return StreamingResponse(stream, media_type=_MEDIA[format], headers=headers)


@router.post(
    "/code-batches/{batch_id}/void",
    summary="End a batch of codes",
    openapi_extra=chinese("作废兑换码批次", "这批兑换码不再有效。已经兑出的优惠券保留。"),
)
async def void_batch(caller: CodesWrite, batch_id: str, batches: Batches) -> BatchView:
    """Its codes give nothing any more 作废. Coupons that they gave already stay."""
    return await batches.void(caller, batch_id)


@router.post(
    "/public-codes",
    status_code=201,
    summary="Create a public code",
    openapi_extra=chinese("创建公共码", "人人可用的码，例如 DOUBLE11。"),
)
async def create_public_code(caller: CodesWrite, body: PublicCodeIn, codes: Management) -> PublicCodeView:
    """A code for everybody 公共码, such as DOUBLE11."""
    return await codes.create(caller, body)


@router.get("/public-codes", summary="List public codes", openapi_extra=chinese("列出公共码", "公共码，新的在前。"))
async def list_public_codes(
    caller: CodesRead,
    paging: PageParams,
    codes: Management,
    status: PublicStatus | None = None,
    template_id: TemplateFilter = None,
) -> Page[PublicCodeView]:
    """Public codes, newest first."""
    return await codes.page(paging, status, template_id)


@router.get(
    "/public-codes/{public_code_id}",
    summary="Read a public code",
    openapi_extra=chinese("读取公共码", "一个公共码及其使用次数。"),
)
async def get_public_code(caller: CodesRead, public_code_id: str, codes: Management) -> PublicCodeView:
    """One public code and how often it was used."""
    return await codes.read(caller, public_code_id)


@router.patch(
    "/public-codes/{public_code_id}",
    summary="Change, pause or activate a public code",
    openapi_extra=chinese("修改、暂停或启用公共码", '`{"status": "paused"}` 使其立即停用。'),
)
async def change_public_code(
    caller: CodesWrite, public_code_id: str, body: PublicCodePatch, codes: Management
) -> PublicCodeView:
    """`{"status": "paused"}` stops it at once."""
    return await codes.change(caller, public_code_id, body)


@router.get(
    "/codes/{code}",
    summary="Look a code up",
    openapi_extra=chinese("查码", "供员工查看一个码的真实状态：未使用、由谁兑换、已过期、已作废。"),
)
async def look_up_code(
    caller: CodesRead, code: str, lookup: Annotated[CodeLookup, Provided(CodeLookup)]
) -> CodeLookupView:
    """What a code really is 查码, for staff: unused, redeemed by whom, expired, voided."""
    return await lookup.read(caller, code)
