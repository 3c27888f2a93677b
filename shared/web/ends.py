"""Ends that clients choose: what is over before it begins is refused, as nobody wants that."""

from datetime import datetime

from shared.web.problems import invalid


def refuse_passed(pointer: str, end: datetime | None, now: datetime, instead: str) -> None:
    """Raise Unprocessable for an end that has come. `instead` says what else may have been meant."""
    if end is not None and end <= now:
        raise invalid(pointer, "in_the_past", f"This time has passed already. {instead}")
