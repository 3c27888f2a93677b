"""Routes of the figures."""

from typing import Annotated

from fastapi import APIRouter, Depends

from services.coupon.figures.queries import OfferFigures
from services.coupon.figures.schemas import PromotionFigures, TemplateFigures
from shared.web import Caller, Provided, needs
from shared.web.chinese import chinese

router = APIRouter(prefix="/v1")
FiguresRead = Annotated[Caller, Depends(needs("coupon:figures:read"))]
Counting = Annotated[OfferFigures, Provided(OfferFigures)]


@router.get(
    "/coupon-templates/{template_id}/figures",
    tags=["coupon templates"],
    summary="Count what became of a coupon template",
    openapi_extra=chinese("统计券模板的活动数据", "领取、使用与成本，按优惠券本身即时统计。"),
)
async def get_template_figures(caller: FiguresRead, template_id: str, figures: Counting) -> TemplateFigures:
    """Claimed, used, and what it cost 活动数据, counted now from the coupons themselves."""
    return await figures.of_template(caller, template_id)


@router.get(
    "/promotions/{promotion_id}/figures",
    tags=["promotions"],
    summary="Count what became of a promotion",
    openapi_extra=chinese("统计自动促销的活动数据", "使用该促销的订单与成本，按订单本身即时统计。"),
)
async def get_promotion_figures(caller: FiguresRead, promotion_id: str, figures: Counting) -> PromotionFigures:
    """Orders with it, and what it cost 活动数据, counted now from the orders themselves."""
    return await figures.of_promotion(caller, promotion_id)
