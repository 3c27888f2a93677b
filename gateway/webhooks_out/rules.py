"""What an answer means and when to try again. Pure: time and chance come as arguments."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Literal

PATTERN = re.compile(r"\*|[a-z_]+\.(?:[a-z_]+|\*)")
_THROTTLED = frozenset((429, 502, 503, 504))
_LONGEST_WAIT = timedelta(hours=24)

Outcome = Literal["delivered", "retry", "failed", "gone"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """`retry_at` for outcome retry; `pause` when the whole endpoint asked to be left alone until then."""

    outcome: Outcome
    retry_at: datetime | None = None
    pause: bool = False


def matches(patterns: Iterable[str], event_type: str) -> bool:
    """True when one of `coupon.redeemed`, `stock.*` or `*` names the event type."""
    family = event_type.partition(".")[0] + ".*"
    return any(pattern in (event_type, family, "*") for pattern in patterns)


def judge(
    *,
    status: int | None,
    retry_after: str | None,
    round_number: int,
    schedule: Sequence[float],
    jitter: float,
    chance: float,
    now: datetime,
) -> Verdict:
    """After attempt `round_number` (from 1): `status` is None when there was no answer; `chance` lies in 0..1."""
    if status is not None and 200 <= status < 300:
        return Verdict("delivered")
    if status == 410:
        return Verdict("gone")
    if round_number >= len(schedule):
        return Verdict("failed")
    wait = timedelta(seconds=schedule[round_number] * (1 + jitter * (2 * chance - 1)))
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
        return min(timedelta(seconds=min(int(text[:9]), 10**6)), _LONGEST_WAIT)
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return None
    wait = (date if date.tzinfo else date.replace(tzinfo=UTC)) - now
    return min(max(wait, timedelta()), _LONGEST_WAIT)
