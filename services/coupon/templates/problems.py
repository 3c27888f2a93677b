"""The refusals of offers."""

from shared.web import NotFound


def unknown_offer(noun: str) -> NotFound:
    """There is none with that id, or not for this caller."""
    return NotFound("not_found", f"There is no {noun} with this id.")
