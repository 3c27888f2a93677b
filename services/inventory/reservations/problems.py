"""The refusals of reservations that more than one use case answers with."""

from shared.web import NotFound


def no_reservation(reservation_id: str) -> NotFound:
    """The id is nobody's."""
    return NotFound(
        "not_found",
        f"There is no reservation {reservation_id[:60]}. Find it with GET /v1/reservations?order_id=…",
    )
