"""Routes of the offers."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from services.coupon.templates.management import Templates
from services.coupon.templates.schemas import Status, TemplateIn, TemplatePatch, TemplateView
from shared.money import Currency
from shared.web import Caller, Page, PageParams, Provided, Text, needs

router = APIRouter(prefix="/v1/coupon-templates", tags=["coupon templates"])
TemplatesRead = Annotated[Caller, Depends(needs("coupon:templates:read"))]
TemplatesWrite = Annotated[Caller, Depends(needs("coupon:templates:write"))]
Management = Annotated[Templates, Provided(Templates)]


@router.post("", status_code=201, summary="Create a coupon template")
async def create_template(caller: TemplatesWrite, body: TemplateIn, templates: Management) -> TemplateView:
    """Create an offer 券模板. It is active at once unless `status` says paused."""
    return await templates.create(body)


@router.get("", summary="List coupon templates")
async def list_templates(
    caller: TemplatesRead,
    paging: PageParams,
    templates: Management,
    status: Status | None = None,
    currency: Annotated[Currency | None, Query()] = None,
    name: Annotated[Text | None, Query(description="a part of the name")] = None,
) -> Page[TemplateView]:
    """Offers, newest first."""
    return await templates.page(paging, status, name, currency)


@router.get("/{template_id}", summary="Read a coupon template")
async def get_template(caller: TemplatesRead, template_id: str, templates: Management) -> TemplateView:
    """One offer with its counters."""
    return await templates.read(template_id)


@router.patch("/{template_id}", summary="Change, pause or activate a coupon template")
async def change_template(
    caller: TemplatesWrite, template_id: str, body: TemplatePatch, templates: Management
) -> TemplateView:
    """Change an offer. Coupons already issued keep their terms; `{"status": "paused"}` stops new ones."""
    return await templates.change(template_id, body)
