"""Routes of the packs."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from services.coupon.packs.claiming import PackClaims
from services.coupon.packs.management import Packs
from services.coupon.packs.schemas import PackClaimIn, PackClaimView, PackIn, PackPatch, PackView, Status
from shared.web import Caller, ClientFacts, ExternalId, Page, PageParams, Provided, needs
from shared.web.chinese import chinese

router = APIRouter(prefix="/v1/coupon-packs", tags=["coupon packs"])
PacksRead = Annotated[Caller, Depends(needs("coupon:packs:read"))]
PacksWrite = Annotated[Caller, Depends(needs("coupon:packs:write"))]
CouponsRead = Annotated[Caller, Depends(needs("coupon:coupons:read"))]
CouponsWrite = Annotated[Caller, Depends(needs("coupon:coupons:write"))]
Management = Annotated[Packs, Provided(Packs)]
Claims = Annotated[PackClaims, Provided(PackClaims)]


@router.post(
    "",
    status_code=201,
    summary="Create a coupon pack",
    openapi_extra=chinese(
        "创建礼包", "创建由多张优惠券组成的礼包，例如新人礼包。除非 `status` 为 paused，否则立即生效。"
    ),
)
async def create_pack(caller: PacksWrite, body: PackIn, packs: Management) -> PackView:
    """Create a pack 礼包 of several coupons, such as a welcome pack 新人礼包. It is active unless `status` says paused."""
    return await packs.create(caller, body)


@router.get("", summary="List coupon packs", openapi_extra=chinese("列出礼包", "礼包，新的在前。"))
async def list_packs(
    caller: PacksRead, paging: PageParams, packs: Management, status: Status | None = None
) -> Page[PackView]:
    """Packs, newest first."""
    return await packs.page(paging, status)


@router.get("/{pack_id}", summary="Read a coupon pack", openapi_extra=chinese("读取礼包", "一个礼包及已发放的份数。"))
async def get_pack(caller: PacksRead, pack_id: str, packs: Management) -> PackView:
    """One pack and how many were given."""
    return await packs.read(caller, pack_id)


@router.patch(
    "/{pack_id}",
    summary="Change, pause or activate a coupon pack",
    openapi_extra=chinese("修改、暂停或启用礼包", "修改礼包。已发放的保持不变。"),
)
async def change_pack(caller: PacksWrite, pack_id: str, body: PackPatch, packs: Management) -> PackView:
    """Change a pack. Those that were given stay as they are."""
    return await packs.change(caller, pack_id, body)


@router.post(
    "/{pack_id}/claims",
    status_code=201,
    summary="Claim a coupon pack",
    openapi_extra=chinese(
        "领取礼包", "礼包中的优惠券要么全部发放，要么一张也不发：此时问题文档用 `item` 指出发不了的那一项。"
    ),
)
async def claim_pack(
    caller: CouponsWrite, client: ClientFacts, pack_id: str, body: PackClaimIn, claims: Claims
) -> PackClaimView:
    """All coupons of the pack, or none: then the problem names the item that can't be given, as `item`."""
    return await claims.claim(caller, client, pack_id, body)


@router.get(
    "/{pack_id}/claims",
    summary="List the claims of a coupon pack",
    openapi_extra=chinese("列出礼包的领取记录", "领取记录及其优惠券，新的在前。"),
)
async def list_pack_claims(
    caller: CouponsRead,
    pack_id: str,
    paging: PageParams,
    claims: Claims,
    customer_id: Annotated[ExternalId | None, Query(description="of this customer only")] = None,
) -> Page[PackClaimView]:
    """Claims with their coupons, newest first."""
    return await claims.page(caller, pack_id, paging, customer_id)


@router.get(
    "/{pack_id}/claims/{claim_id}",
    summary="Read a claim of a coupon pack",
    openapi_extra=chinese("读取礼包的领取记录", "一条领取记录及其优惠券。"),
)
async def get_pack_claim(caller: CouponsRead, pack_id: str, claim_id: str, claims: Claims) -> PackClaimView:
    """One claim with its coupons."""
    return await claims.read(caller, pack_id, claim_id)
