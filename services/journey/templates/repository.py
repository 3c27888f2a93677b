"""The SQL of message templates."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import insert, select

from services.journey.run import Channel
from services.journey.templates.models import MessageTemplate
from shared.db import Transaction, one_of
from shared.web import Caller, Page, Paging, filtered, offered, page_of

V = TypeVar("V")


class TemplateSource(NamedTuple):
    """The Liquid of a template."""

    id: str
    channel: Channel
    subject: str | None
    body: str


class Endpoint(NamedTuple):
    """Where a webhook template posts unless its node says otherwise, and the secret that signs."""

    url: str | None
    secret: str


class _Channel(NamedTuple):
    """The channel of a template, and its own URL."""

    id: str
    channel: str
    url: str | None


_IDS = one_of(MessageTemplate.c.id, "ids")
_SOURCES = select(*(MessageTemplate.c[name] for name in TemplateSource._fields)).where(_IDS)
_ENDPOINT = select(*(MessageTemplate.c[name] for name in Endpoint._fields))
_CHANNELS = select(*(MessageTemplate.c[name] for name in _Channel._fields)).where(_IDS)


async def insert_template(tx: Transaction, values: Mapping[str, Any]) -> None:
    """A new template."""
    await tx.run(insert(MessageTemplate.table), values)


async def page(
    tx: Transaction, channel: str | None, name: str | None, paging: Paging, to_view: Callable[[MessageTemplate], V]
) -> Page[V]:
    """Templates, newest first."""
    wanted = {MessageTemplate.c.channel: channel, MessageTemplate.c.name: name}
    statement = offered(filtered(select(MessageTemplate.table), wanted), MessageTemplate.c.owner_id, paging.caller)
    return await page_of(tx, MessageTemplate, statement, MessageTemplate.c.id, paging, to_view)


async def find(tx: Transaction, caller: Caller, template_id: str) -> MessageTemplate | None:
    """The template of this id: the merchant's, or the caller's own."""
    chosen = select(MessageTemplate.table).where(MessageTemplate.c.id == template_id)
    return await tx.row(MessageTemplate, offered(chosen, MessageTemplate.c.owner_id, caller))


async def find_sources(tx: Transaction, template_ids: Iterable[str]) -> list[TemplateSource]:
    """What these templates say; one that does not exist is missing from the answer."""
    return await tx.rows(TemplateSource, _SOURCES, {"ids": set(template_ids)})


async def find_channels(tx: Transaction, caller: Caller, template_ids: Iterable[str]) -> dict[str, tuple[str, bool]]:
    """For each template that exists for the caller: its channel, and whether it has a URL of its own."""
    chosen = offered(_CHANNELS, MessageTemplate.c.owner_id, caller)
    rows = await tx.rows(_Channel, chosen, {"ids": set(template_ids)})
    return {row.id: (row.channel, row.url is not None) for row in rows}


async def read_endpoint(tx: Transaction, template_id: str | None) -> Endpoint:
    """Where this template posts. It is there: what was sent names it, and none is ever removed."""
    [found] = await tx.rows(Endpoint, _ENDPOINT.where(MessageTemplate.c.id == template_id))
    return found
