"""Refusals that several use cases of endpoints share."""

from gateway.webhooks_out.models import Endpoint
from shared.web import Conflict, NotFound


def endpoint_found(row: Endpoint | None) -> Endpoint:
    """The endpoint. Raises NotFound for one that does not exist, or not for this caller."""
    if row is None:
        raise NotFound("not_found", "There is no such webhook endpoint.")
    return row


def must_be_enabled(endpoint: Endpoint) -> None:
    """Raises Conflict when nothing may be sent to it."""
    if endpoint.status != "enabled":
        raise Conflict("endpoint_disabled", "This endpoint is disabled. Enable it first: PATCH it with enabled true.")
