"""What becomes of a message that was proven, by the mapping of its source: when it comes, and when it is replayed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.webhooks_in.maps_to import MapsTo
from gateway.webhooks_in.rules import Ignored, Unmappable, read, translate
from shared.contracts import OrderEvent

_LONGEST_DETAIL = 500


@dataclass(frozen=True, slots=True)
class Decided:
    """What a proven message becomes. `event` for the outcome `accepted`."""

    outcome: str
    event: OrderEvent | None = None
    code: str | None = None
    detail: str | None = None
    their_type: str | None = None

    def columns(self) -> dict[str, Any]:
        """What `Received` keeps of it."""
        return {
            "outcome": self.outcome,
            "code": self.code,
            "detail": self.detail,
            "their_type": self.their_type,
            "event_type": self.event.name if self.event else None,
            "order_id": self.event.order_id if self.event else None,
        }


PAUSED = Decided("paused", code="source_paused", detail="The source was paused when this delivery came.")


def decide(maps_to: Mapping[str, Any], owner_id: str, body: bytes) -> Decided:
    """By the mapping as it is stored; the message speaks for `owner_id`."""
    try:
        made = translate(MapsTo.model_validate(maps_to), read(body))
    except Unmappable as error:
        return Decided("refused", code=error.code, detail=error.detail[:_LONGEST_DETAIL])
    if isinstance(made, Ignored):
        return Decided("ignored", code=made.code, detail=made.detail, their_type=made.their_type)
    return Decided("accepted", made.model_copy(update={"owner_id": owner_id}))
