"""Message templates: kept, listed, previewed, and handed to the engine as a render function."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import insert, select

from services.journey.engine.profiles import traits_of
from services.journey.engine.run import Render, Rendered, RenderFailed
from services.journey.templates.models import MessageTemplate
from services.journey.templates.rules import LONGEST_SUBJECT, TemplateInvalid, check, render
from services.journey.templates.schemas import (
    MessageTemplateCreated,
    MessageTemplateIn,
    MessageTemplateView,
    PreviewIn,
    PreviewView,
)
from shared.db import Transaction, table
from shared.http import EgressClient, EgressRefused
from shared.ids import new_id
from shared.service import Kit
from shared.web import NotFound, Page, Paging, fetch_page, invalid
from shared.webhooks import new_secret

TEMPLATE = table(MessageTemplate)
MOST_CACHED = 1024


@dataclass(frozen=True, slots=True)
class _Source:
    channel: str
    subject: str | None
    body: str


class Templates:
    """Templates never change, so each is read once per process."""

    def __init__(self, kit: Kit, egress: EgressClient) -> None:
        self._kit = kit
        self._egress = egress
        self._known: dict[str, _Source] = {}

    async def create(self, body: MessageTemplateIn) -> MessageTemplateCreated:
        """Raises Unprocessable for Liquid that cannot be rendered and for a URL that we would not call."""
        for field, source in (("subject", body.subject), ("body", body.body)):
            if source is not None:
                self._check(field, source)
        if body.url is not None:
            await self.check_url("#/url", body.url)
        values = {
            "id": new_id("msg"),
            **body.model_dump(),
            "secret": new_secret() if body.channel == "webhook" else None,
            "created_at": self._kit.clock.now(),
        }
        async with self._kit.db.write() as tx:
            await tx.execute(insert(TEMPLATE), values)
        return MessageTemplateCreated.model_validate(values)

    @staticmethod
    def _check(field: str, source: str) -> None:
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
        statement = select(TEMPLATE)
        if channel is not None:
            statement = statement.where(TEMPLATE.c.channel == channel)
        if name is not None:
            statement = statement.where(TEMPLATE.c.name == name)
        async with self._kit.db.read() as tx:
            return await fetch_page(tx, statement, TEMPLATE.c.id, paging, MessageTemplateView.model_validate)

    async def get(self, template_id: str) -> MessageTemplateView:
        """Raises NotFound."""
        async with self._kit.db.read() as tx:
            row = (await tx.execute(select(TEMPLATE).where(TEMPLATE.c.id == template_id))).one_or_none()
        if row is None:
            raise NotFound("message_template_not_found", f"There is no message template {template_id[:64]!r}.")
        return MessageTemplateView.model_validate(row)

    async def preview(self, template_id: str, body: PreviewIn) -> PreviewView:
        """Renders for a known customer or for given data. Raises NotFound; Unprocessable when it cannot be rendered."""
        template = await self.get(template_id)
        async with self._kit.db.read() as tx:
            known = await traits_of(tx, [body.customer_id] if body.customer_id else [])
        customer = {**known.get(body.customer_id or "", {}), **body.customer, "id": body.customer_id}
        context = {"customer": customer, "event": body.event, "coupon": body.coupon, "journey": body.journey}
        try:
            made = _rendered(_Source(template.channel, template.subject, template.body), context)
        except RenderFailed as error:
            raise invalid("#", "template_failed", f"The template fails with this data: {error}.") from error
        return PreviewView(channel=made.channel, subject=made.subject, body=made.body)

    async def channels(self, tx: Transaction, template_ids: Iterable[str]) -> dict[str, tuple[str, bool]]:
        """For each template that exists: its channel, and whether it has a URL of its own."""
        statement = select(TEMPLATE.c.id, TEMPLATE.c.channel, TEMPLATE.c.url)
        rows = (await tx.execute(statement.where(TEMPLATE.c.id.in_(sorted(set(template_ids)))))).all()
        return {row.id: (row.channel, row.url is not None) for row in rows}

    async def renderer(self, tx: Transaction, template_ids: Iterable[str]) -> Render:
        """A function that renders these templates without touching the database."""
        lacking = sorted(set(template_ids) - self._known.keys())
        if lacking:
            if len(self._known) > MOST_CACHED:
                self._known.clear()
                lacking = sorted(set(template_ids))
            rows = (await tx.execute(select(TEMPLATE).where(TEMPLATE.c.id.in_(lacking)))).all()
            self._known |= {row.id: _Source(row.channel, row.subject, row.body) for row in rows}
        sources = dict(self._known)

        def run(template_id: str, context: Mapping[str, object]) -> Rendered:
            if template_id not in sources:
                raise RenderFailed(f"there is no message template {template_id}")
            return _rendered(sources[template_id], context)

        return run


def _rendered(source: _Source, context: Mapping[str, object]) -> Rendered:
    subject = None if source.subject is None else render(source.subject, context)[:LONGEST_SUBJECT]
    return Rendered(source.channel, subject, render(source.body, context))
