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

router = APIRouter(prefix="/v1/message-templates", tags=["message templates"])
TemplatesRead = Annotated[Caller, Depends(needs("journey:templates:read"))]
TemplatesWrite = Annotated[Caller, Depends(needs("journey:templates:write"))]
Manages = Annotated[Templates, Provided(Templates)]


@router.post("", status_code=201, summary="Create a message template")
async def create_message_template(
    caller: TemplatesWrite, body: MessageTemplateIn, templates: Manages, response: Response
) -> MessageTemplateCreated:
    """Keep a message template (消息模板); its Liquid is checked now. A webhook template gets a signing secret, shown once."""
    created = await templates.create(caller, body)
    if created.secret is not None:
        response.headers["cache-control"] = "no-store"
    return created


@router.get("", summary="List message templates")
async def list_message_templates(
    caller: TemplatesRead,
    templates: Manages,
    paging: PageParams,
    channel: Annotated[Channel | None, Query()] = None,
    name: Annotated[Name | None, Query()] = None,
) -> Page[MessageTemplateView]:
    """Message templates, newest first."""
    return await templates.page(paging, channel, name)


@router.get("/{template_id}", summary="Read a message template")
async def get_message_template(caller: TemplatesRead, template_id: str, templates: Manages) -> MessageTemplateView:
    """One message template."""
    return await templates.read(caller, template_id)


@router.post("/{template_id}/preview", summary="Preview a message template")
async def preview_message_template(
    caller: TemplatesRead, template_id: str, body: PreviewIn, templates: Manages
) -> PreviewView:
    """Render a template for a customer or for given data; nothing is sent."""
    if body.customer_id is not None:
        caller.require_profile(body.customer_id)
    return await templates.preview(caller, template_id, body)
