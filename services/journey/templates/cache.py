"""The templates that this process has read, as the function by which the engine renders them."""

from collections.abc import Iterable, Mapping

from services.journey.run import Channel, Render, Rendered, RenderFailed
from services.journey.templates import repository
from services.journey.templates.repository import TemplateSource
from services.journey.templates.rules import LONGEST_SUBJECT
from shared.db import Transaction

MOST_CACHED = 1024


class TemplateCache:
    """Templates never change, so each is read once per process."""

    def __init__(self) -> None:
        self._known: dict[str, TemplateSource] = {}

    async def renderer(self, tx: Transaction, template_ids: Iterable[str]) -> Render:
        """A function that renders these templates without touching the database."""
        lacking = set(template_ids) - self._known.keys()
        if lacking:
            if len(self._known) > MOST_CACHED:
                self._known.clear()
                lacking = set(template_ids)
            self._known |= {source.id: source for source in await repository.find_sources(tx, lacking)}
        sources = dict(self._known)

        def run(template_id: str, context: Mapping[str, object]) -> Rendered:
            if template_id not in sources:
                raise RenderFailed(f"there is no message template {template_id}")
            source = sources[template_id]
            return render_message(source.channel, source.subject, source.body, context)

        return run


def render_message(channel: Channel, subject: str | None, body: str, context: Mapping[str, object]) -> Rendered:
    """The message of a template for one customer. Raises RenderFailed."""
    from services.journey.templates.liquid_rules import render

    said = None if subject is None else render(subject, context)[:LONGEST_SUBJECT]
    return Rendered(channel, said, render(body, context))
