"""The refusal of checkouts."""

from shared.web import NotFound


def unknown_checkout() -> NotFound:
    """There is none of that id."""
    return NotFound("not_found", "There is no checkout with this id.")
