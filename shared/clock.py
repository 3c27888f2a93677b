"""Time comes from the clock that is passed in, so that a test and a dry run can move it."""

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Answers what time it is, always aware and in UTC."""

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class ManualClock:
    """A clock that stands still until it is moved. Raises ValueError for a naive start."""

    def __init__(self, start: datetime) -> None:
        self.set(start)

    def now(self) -> datetime:
        return self._now

    def set(self, instant: datetime) -> None:
        if instant.tzinfo is None:
            raise ValueError("a clock needs an aware datetime")
        self._now = instant.astimezone(UTC)

    def advance(self, step: timedelta | None = None, *, seconds: float = 0) -> datetime:
        """Move forward by `step` plus `seconds` and answer the new instant."""
        self._now += (step or timedelta()) + timedelta(seconds=seconds)
        return self._now
