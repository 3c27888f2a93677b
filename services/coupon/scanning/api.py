"""Routes of scanning."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from services.coupon.scanning.claiming import Scanning
from services.coupon.scanning.management import ClaimCodes
from services.coupon.scanning.schemas import (
    ClaimCodeIn,
    ClaimCodePatch,
    ClaimCodeView,
    ClaimTokenView,
    ScanFigures,
    ScanIn,
    Status,
)
from services.coupon.wallet.schemas import CouponView
from shared.web import Caller, ClientFacts, ExternalId, Page, PageParams, Provided, needs
from shared.web.chinese import chinese
from shared.web.requests import request_id_of

router = APIRouter(prefix="/v1/claim-codes", tags=["scanning"])
CodesRead = Annotated[Caller, Depends(needs("coupon:claim-codes:read"))]
CodesWrite = Annotated[Caller, Depends(needs("coupon:claim-codes:write"))]
TokensRead = Annotated[Caller, Depends(needs("coupon:claim-tokens:read"))]
CouponsWrite = Annotated[Caller, Depends(needs("coupon:coupons:write"))]
Codes = Annotated[ClaimCodes, Provided(ClaimCodes)]
ShopFilter = Annotated[ExternalId | None, Query(description="of this shop only")]


@router.post(
    "",
    status_code=201,
    summary="Create a QR code to claim by",
    openapi_extra=chinese("创建领券二维码", "海报，或店内屏幕上轮换的二维码，扫码领券。"),
)
async def create_claim_code(caller: CodesWrite, body: ClaimCodeIn, codes: Codes) -> ClaimCodeView:
    """A poster, or a rotating code for a screen in the shop 扫码领券."""
    return await codes.create(caller, body)


@router.get("", summary="List QR codes to claim by", openapi_extra=chinese("列出领券二维码", "新的在前。"))
async def list_claim_codes(
    caller: CodesRead,
    paging: PageParams,
    codes: Codes,
    shop_id: ShopFilter = None,
    template_id: Annotated[ExternalId | None, Query(description="of this template only")] = None,
    status: Status | None = None,
) -> Page[ClaimCodeView]:
    """Newest first."""
    return await codes.page(paging, shop_id, template_id, status)


@router.get(
    "/figures",
    summary="Count the coupons of each shop's QR codes",
    openapi_extra=chinese("统计各门店二维码领出的券", "按门店和商户日历的日期。"),
)
async def claim_code_figures(
    caller: CodesRead,
    codes: Codes,
    shop_id: ShopFilter = None,
    days: Annotated[int, Query(ge=1, le=90, description="how many days back, today included")] = 7,
) -> ScanFigures:
    """By shop and day of the merchant's calendar."""
    return await codes.figures(caller, shop_id, days)


@router.post(
    "/redeem",
    status_code=201,
    summary="Claim a coupon by a scanned QR code",
    openapi_extra=chinese("扫码领券", "伪造、过期或停用的码返回 422 `token_invalid`；码有效时，拒绝原因与领券相同。"),
)
async def redeem_scan(
    caller: CouponsWrite,
    client: ClientFacts,
    request: Request,
    body: ScanIn,
    scanning: Annotated[Scanning, Provided(Scanning)],
) -> CouponView:
    """422 `token_invalid` for a forged, old or stopped code; with a true one the refusals of a claim."""
    return await scanning.claim(caller, client, body, request_id_of(request.scope))


@router.get(
    "/{claim_code_id}", summary="Read a QR code to claim by", openapi_extra=chinese("读取领券二维码", "一个二维码。")
)
async def get_claim_code(caller: CodesRead, claim_code_id: str, codes: Codes) -> ClaimCodeView:
    """One QR code."""
    return await codes.read(caller, claim_code_id)


@router.patch(
    "/{claim_code_id}",
    summary="Pause or activate a QR code to claim by",
    openapi_extra=chinese("暂停或启用领券二维码", "暂停后不再发券，海报也一样。"),
)
async def change_claim_code(
    caller: CodesWrite, claim_code_id: str, body: ClaimCodePatch, codes: Codes
) -> ClaimCodeView:
    """A paused one gives nothing, posters included."""
    return await codes.change(caller, claim_code_id, body)


@router.get(
    "/{claim_code_id}/token",
    summary="Read the token to show now",
    openapi_extra=chinese("读取当前要展示的令牌", "供门店屏幕使用：在 `expires_at` 之前再次读取。"),
)
async def get_claim_token(caller: TokensRead, claim_code_id: str, codes: Codes, response: Response) -> ClaimTokenView:
    """For the shop's screen: ask again before `expires_at`."""
    response.headers["Cache-Control"] = "no-store"
    return await codes.token(caller, claim_code_id)


@router.get(
    "/{claim_code_id}/qr.svg",
    summary="Draw the QR code to show now",
    openapi_extra=chinese("绘制当前的二维码", "与令牌相同的内容，以图片形式。"),
    response_class=Response,
    responses={200: {"content": {"image/svg+xml": {"schema": {"type": "string"}}}, "description": "An SVG document"}},
)
async def get_claim_picture(caller: TokensRead, claim_code_id: str, codes: Codes) -> Response:
    """The same as a picture."""
    picture = await codes.picture(caller, claim_code_id)
    return Response(picture, media_type="image/svg+xml", headers={"Cache-Control": "no-store"})
