"""Use cases of message templates: create, list, read, preview."""

from services.journey.customers.repository import find_traits
from services.journey.run import RenderFailed
from services.journey.templates import repository
from services.journey.templates.cache import render_message
from services.journey.templates.rules import TemplateInvalid
from services.journey.templates.schemas import (
    MessageTemplateCreated,
    MessageTemplateIn,
    MessageTemplateView,
    PreviewIn,
    PreviewView,
)
from shared.http import EgressClient, EgressRefused
from shared.ids import new_id
from shared.service import Kit
from shared.web import Caller, NotFound, Page, Paging, invalid
from shared.webhooks import new_secret


class Templates:
    """Message templates 消息模板. One that was created is never changed."""

    def __init__(self, kit: Kit, egress: EgressClient) -> None:
        self._kit = kit
        self._egress = egress

    async def create(self, caller: Caller, body: MessageTemplateIn) -> MessageTemplateCreated:
        """Raises Unprocessable for Liquid that cannot be rendered and for a URL that we would not call."""
        for field, source in (("subject", body.subject), ("body", body.body)):
            if source is not None:
                self._check(field, source)
        if body.url is not None:
            await self.check_url("#/url", body.url)
        values = {
            "id": new_id("msg"),
            "owner_id": caller.owner_id,
            **body.model_dump(),
            "secret": new_secret() if body.channel == "webhook" else None,
            "created_at": self._kit.clock.now(),
        }
        async with self._kit.db.write() as tx:
            await repository.insert_template(tx, values)
        return MessageTemplateCreated.model_validate(values)

    @staticmethod
    def _check(field: str, source: str) -> None:
        from services.journey.templates.liquid_rules import check

        try:
            check(source)
        except TemplateInvalid as error:
            raise invalid(f"#/{field}", "invalid_template", f"This is not Liquid that can be used: {error}.") from error

    async def check_url(self, pointer: str, url: str) -> None:
        """Raises Unprocessable for a URL that a webhook must not go to."""
        try:
            await self._egress.check(url)
        except EgressRefused as error:
            raise invalid(pointer, "url_refused", error.reason) from error

    async def page(self, paging: Paging, channel: str | None, name: str | None) -> Page[MessageTemplateView]:
        """Templates, newest first."""
        async with self._kit.db.read() as tx:
            return await repository.page(tx, channel, name, paging, MessageTemplateView.model_validate)

    async def read(self, caller: Caller, template_id: str) -> MessageTemplateView:
        """Raises NotFound, also for another partner's."""
        async with self._kit.db.read() as tx:
            row = await repository.find(tx, caller, template_id)
        if row is None:
            raise NotFound("not_found", f"There is no message template {template_id[:64]!r}.")
        return MessageTemplateView.model_validate(row)

    async def preview(self, caller: Caller, template_id: str, body: PreviewIn) -> PreviewView:
        """Renders for a known customer or for given data. Raises NotFound; Unprocessable when it cannot be rendered."""
        template = await self.read(caller, template_id)
        async with self._kit.db.read() as tx:
            known = await find_traits(tx, [body.customer_id] if body.customer_id else [])
        customer = {**known.get(body.customer_id or "", {}), **body.customer, "id": body.customer_id}
        context = {"customer": customer, "event": body.event, "coupon": body.coupon, "journey": body.journey}
        try:
            made = render_message(template.channel, template.subject, template.body, context)
        except RenderFailed as error:
            raise invalid("#", "template_failed", f"The template fails with this data: {error}.") from error
        return PreviewView(channel=made.channel, subject=made.subject, body=made.body)
