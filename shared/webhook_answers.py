"""What the answer to a webhook means and when to send it again. Pure: time and chance come as arguments."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Literal

_THROTTLED = frozenset((429, 502, 503, 504))
_LONGEST_WAIT = timedelta(hours=24)

Outcome = Literal["delivered", "retry", "failed", "gone"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """`retry_at` for outcome retry; `pause` when the whole endpoint asked to be left alone until then."""

    outcome: Outcome
    retry_at: datetime | None = None
    pause: bool = False


@dataclass(frozen=True, slots=True)
class Retries:
    """Seconds to wait before each attempt, the first one's too; `jitter` is the share by which chance moves a wait."""

    waits: Sequence[float]
    jitter: float

    def wait(self, done: int, chance: float) -> timedelta | None:
        """The wait after `done` attempts; `chance` lies in 0..1. None when there is no further one."""
        if done >= len(self.waits):
            return None
        return timedelta(seconds=self.waits[done] * (1 + self.jitter * (2 * chance - 1)))


def judge(
    status: int | None, retry_after: str | None, *, done: int, retries: Retries, chance: float, now: datetime
) -> Verdict:
    """After `done` attempts, the last of which was answered with `status`, or not at all (None)."""
    if status is not None and 200 <= status < 300:
        return Verdict("delivered")
    if status == 410:
        return Verdict("gone")
    wait = retries.wait(done, chance)
    if wait is None:
        return Verdict("failed")
    asked = _asked_wait(retry_after, now) if status in _THROTTLED else None
    if asked is None:
        return Verdict("retry", now + wait)
    return Verdict("retry", now + max(wait, asked), pause=True)


def _asked_wait(retry_after: str | None, now: datetime) -> timedelta | None:
    """A Retry-After of seconds or a date, at most a day. None for a missing or senseless one."""
    if retry_after is None:
        return None
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return min(timedelta(seconds=int(text[:9])), _LONGEST_WAIT)
    try:
        date = parsedate_to_datetime(text)
        wait = (date if date.tzinfo else date.replace(tzinfo=UTC)) - now
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return min(max(wait, timedelta()), _LONGEST_WAIT)
