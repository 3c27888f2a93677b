"""The refusals of profiles."""

from shared.web import NotFound


def unknown_profile() -> NotFound:
    """Nobody has that id, or it is not the caller's own."""
    return NotFound("not_found", "Nobody is known by that id. People appear with their first tracked event.")
