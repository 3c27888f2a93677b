"""Routes of the promotions."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from services.coupon.promotions.management import Promotions
from services.coupon.promotions.schemas import PromotionIn, PromotionView
from services.coupon.templates.schemas import OfferPatch, Status
from shared.money import Currency
from shared.web import Caller, Page, PageParams, Provided, Text, needs
from shared.web.chinese import chinese

router = APIRouter(prefix="/v1/promotions", tags=["promotions"])
PromotionsRead = Annotated[Caller, Depends(needs("coupon:promotions:read"))]
PromotionsWrite = Annotated[Caller, Depends(needs("coupon:promotions:write"))]
Management = Annotated[Promotions, Provided(Promotions)]


@router.post(
    "",
    status_code=201,
    summary="Create a promotion",
    openapi_extra=chinese("创建自动促销", "在有效期内自动生效；除非 `status` 为 draft 或 paused，否则立即开始。"),
)
async def create_promotion(caller: PromotionsWrite, body: PromotionIn, promotions: Management) -> PromotionView:
    """Create an automatic promotion 自动促销. It runs within its validity, at once unless `status` says draft or paused."""
    return await promotions.create(caller, body)


@router.get("", summary="List promotions", openapi_extra=chinese("列出自动促销", "促销，新的在前。"))
async def list_promotions(
    caller: PromotionsRead,
    paging: PageParams,
    promotions: Management,
    status: Status | None = None,
    currency: Annotated[Currency | None, Query()] = None,
    name: Annotated[Text | None, Query(description="a part of the name")] = None,
) -> Page[PromotionView]:
    """Promotions, newest first."""
    return await promotions.page(paging, status, name, currency)


@router.get("/{promotion_id}", summary="Read a promotion", openapi_extra=chinese("读取自动促销", "一项促销及其计数。"))
async def get_promotion(caller: PromotionsRead, promotion_id: str, promotions: Management) -> PromotionView:
    """One promotion with its counters."""
    return await promotions.read(caller, promotion_id)


@router.patch(
    "/{promotion_id}",
    summary="Change, launch, pause or end a promotion",
    openapi_extra=chinese(
        "修改、上线、暂停或结束自动促销",
        '修改促销。已锁定的订单保持原价；`{"status": "paused"}` 使其对新订单停止，`"ended"` 为永久结束。',
    ),
)
async def change_promotion(
    caller: PromotionsWrite, promotion_id: str, body: OfferPatch, promotions: Management
) -> PromotionView:
    """Change a promotion. Orders that were locked keep their price; `{"status": "paused"}` stops it for new ones,
    `"ended"` for good."""
    return await promotions.change(caller, promotion_id, body)
