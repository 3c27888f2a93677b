"""Routes of the offers."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from services.coupon.templates.management import Templates
from services.coupon.templates.schemas import ShownTemplate, Status, TemplateIn, TemplatePatch, TemplateView
from services.coupon.templates.shop_window import ShopWindow
from shared.money import Currency
from shared.web import Caller, Page, PageParams, Provided, Text, needs
from shared.web.chinese import chinese

router = APIRouter(prefix="/v1/coupon-templates", tags=["coupon templates"])
TemplatesRead = Annotated[Caller, Depends(needs("coupon:templates:read"))]
TemplatesWrite = Annotated[Caller, Depends(needs("coupon:templates:write"))]
Management = Annotated[Templates, Provided(Templates)]
Window = Annotated[ShopWindow, Provided(ShopWindow)]


@dataclass(frozen=True, slots=True)
class Wanted:
    """The filters of the list; `name` is a part of the name."""

    status: Status | None
    currency: str | None
    name: str | None


async def _wanted(
    status: Annotated[Status | None, Query()] = None,
    currency: Annotated[Currency | None, Query()] = None,
    name: Annotated[Text | None, Query(description="a part of the name")] = None,
) -> Wanted:
    return Wanted(status, currency, name)


@router.post(
    "",
    status_code=201,
    summary="Create a coupon template",
    openapi_extra=chinese("创建券模板", "创建一项优惠。除非 `status` 为 draft 或 paused，否则立即生效。"),
)
async def create_template(caller: TemplatesWrite, body: TemplateIn, templates: Management) -> TemplateView:
    """Create an offer 券模板. It is live at once unless `status` says draft or paused."""
    return await templates.create(caller, body)


@router.get(
    "",
    summary="List coupon templates",
    openapi_extra=chinese("列出券模板", "优惠，新的在前。可公开密钥只能得到领券中心里人人可见的内容。"),
)
async def list_templates(
    caller: TemplatesRead,
    paging: PageParams,
    templates: Management,
    window: Window,
    wanted: Annotated[Wanted, Depends(_wanted)],
) -> Page[TemplateView] | Page[ShownTemplate]:
    """Offers, newest first. A publishable key gets the claim centre's, as every shopper may see them."""
    if caller.shopper:
        return await window.page(paging, wanted.status, wanted.name, wanted.currency)
    return await templates.page(paging, wanted.status, wanted.name, wanted.currency)


@router.get(
    "/{template_id}",
    summary="Read a coupon template",
    openapi_extra=chinese("读取券模板", "一项优惠及其计数。可公开密钥只能得到领券中心的优惠中人人可见的内容。"),
)
async def get_template(
    caller: TemplatesRead, template_id: str, templates: Management, window: Window
) -> TemplateView | ShownTemplate:
    """One offer with its counters. A publishable key gets what every shopper may see, of the claim centre's offers only."""
    return await (window.read(caller, template_id) if caller.shopper else templates.read(caller, template_id))


@router.patch(
    "/{template_id}",
    summary="Change, launch, pause or end a coupon template",
    openapi_extra=chinese(
        "修改、上线、暂停或结束券模板",
        '修改优惠。已发出的优惠券保持原条款；`{"status": "paused"}` 停止发放新券，`"ended"` 为永久结束。',
    ),
)
async def change_template(
    caller: TemplatesWrite, template_id: str, body: TemplatePatch, templates: Management
) -> TemplateView:
    """Change an offer. Coupons already issued keep their terms; `{"status": "paused"}` stops new ones, `"ended"` for good."""
    return await templates.change(caller, template_id, body)
