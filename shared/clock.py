"""Time comes from the clock that is passed in, so that a test and a dry run can move it."""

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Answers what time it is, always aware and in UTC."""

    def now(self) -> datetime:
        """This instant, aware and in UTC."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The machine's time, in UTC."""
        return datetime.now(UTC)


class ManualClock:
    """A clock that stands still until it is moved. Raises ValueError for a naive start."""

    def __init__(self, start: datetime) -> None:
        self.set(start)

    def now(self) -> datetime:
        """The instant that was set last."""
        return self._now

    def set(self, instant: datetime) -> None:
        """Jump to an instant; it may lie in the past."""
        if instant.tzinfo is None:
            raise ValueError("a clock needs an aware datetime")
        self._now = instant.astimezone(UTC)

    def advance(self, step: timedelta | None = None, *, seconds: float = 0) -> datetime:
        """Move forward by `step` plus `seconds` and answer the new instant."""
        self._now += (step or timedelta()) + timedelta(seconds=seconds)
        return self._now
