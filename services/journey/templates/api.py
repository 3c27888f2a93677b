"""Routes of message templates."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from services.journey.run import Channel
from services.journey.templates.management import Templates
from services.journey.templates.schemas import (
    MessageTemplateCreated,
    MessageTemplateIn,
    MessageTemplateView,
    PreviewIn,
    PreviewView,
)
from shared.web import Caller, Name, Page, PageParams, Provided, needs
from shared.web.chinese import chinese

router = APIRouter(prefix="/v1/message-templates", tags=["message templates"])
TemplatesRead = Annotated[Caller, Depends(needs("journey:templates:read"))]
TemplatesWrite = Annotated[Caller, Depends(needs("journey:templates:write"))]
Manages = Annotated[Templates, Provided(Templates)]


@router.post(
    "",
    status_code=201,
    summary="Create a message template",
    openapi_extra=chinese(
        "创建消息模板", "保存消息模板，并立即检查其 Liquid 语法。webhook 模板会得到签名密钥，只显示一次。"
    ),
)
async def create_message_template(
    caller: TemplatesWrite, body: MessageTemplateIn, templates: Manages, response: Response
) -> MessageTemplateCreated:
    """Keep a message template (消息模板); its Liquid is checked now. A webhook template gets a signing secret, shown once."""
    created = await templates.create(caller, body)
    if created.secret is not None:
        response.headers["cache-control"] = "no-store"
    return created


@router.get("", summary="List message templates", openapi_extra=chinese("列出消息模板", "消息模板，新的在前。"))
async def list_message_templates(
    caller: TemplatesRead,
    templates: Manages,
    paging: PageParams,
    channel: Annotated[Channel | None, Query()] = None,
    name: Annotated[Name | None, Query()] = None,
) -> Page[MessageTemplateView]:
    """Message templates, newest first."""
    return await templates.page(paging, channel, name)


@router.get(
    "/{template_id}", summary="Read a message template", openapi_extra=chinese("读取消息模板", "一个消息模板。")
)
async def get_message_template(caller: TemplatesRead, template_id: str, templates: Manages) -> MessageTemplateView:
    """One message template."""
    return await templates.read(caller, template_id)


@router.post(
    "/{template_id}/preview",
    summary="Preview a message template",
    openapi_extra=chinese("预览消息模板", "用顾客或给定的数据渲染模板；不发送任何内容。"),
)
async def preview_message_template(
    caller: TemplatesRead, template_id: str, body: PreviewIn, templates: Manages
) -> PreviewView:
    """Render a template for a customer or for given data; nothing is sent."""
    if body.customer_id is not None:
        caller.require_profile(body.customer_id)
    return await templates.preview(caller, template_id, body)
