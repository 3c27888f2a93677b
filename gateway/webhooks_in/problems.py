"""Refusals around sources, and what a caller must hold to let a partner speak."""

from gateway.webhooks_in.maps_to import MapsTo
from gateway.webhooks_in.models import Source
from shared.web import Caller, Forbidden, NotFound


def source_found(row: Source | None) -> Source:
    """The row. Raises NotFound."""
    if row is None:
        raise NotFound("not_found", "There is no such webhook source.")
    return row


def must_be_able(caller: Caller, maps_to: MapsTo) -> None:
    """Raises Forbidden for who could not do by themselves what deliveries of this mapping do."""
    if caller.shop_id is not None:
        raise Forbidden("shop_not_allowed", "A source settles orders of every shop, and your key works for one.")
    for scope in maps_to.scopes():
        if not caller.allows(scope):
            detail = f"A source of {', '.join(sorted(maps_to.events()))} does what needs {scope}, which your key lacks."
            raise Forbidden("scope_missing", detail, scope=scope)
