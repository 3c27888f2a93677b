"""Refusals that several use cases of endpoints share."""

from collections.abc import Sequence
from typing import Any

from gateway.webhooks_out.filters import unknown
from gateway.webhooks_out.models import Endpoint
from shared.web import Conflict, NotFound, invalid


def endpoint_found(row: Endpoint | None) -> Endpoint:
    """The endpoint. Raises NotFound for one that does not exist, or not for this caller."""
    if row is None:
        raise NotFound("not_found", "There is no such webhook endpoint.")
    return row


def checked_conditions(stored: list[dict[str, Any]], patterns: Sequence[str]) -> list[dict[str, Any]]:
    """The conditions. Raises Unprocessable for a property that no event has which the patterns name."""
    for at in unknown(stored, patterns):
        text = f"None of these events has {stored[at]['property']}; GET /v1/event-types lists what they have."
        raise invalid(f"#/where/{at}/property", "property_unknown", text)
    return stored


def must_be_enabled(endpoint: Endpoint) -> None:
    """Raises Conflict when nothing may be sent to it."""
    if endpoint.status != "enabled":
        raise Conflict("endpoint_disabled", "This endpoint is disabled. Enable it first: PATCH it with enabled true.")
