"""Time rules: durations, local wall-clock times, and what daylight saving does to them. Pure: no clock is read here.

Two kinds of length are kept apart, because they differ on the days when clocks change:
`s`, `m`, `h` are elapsed time; `d` and `w` are the same wall-clock time on a later date in the zone that applies.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from shared.times import read_instant
from shared.zones import known_zone, zone

Unit = Literal["s", "m", "h", "d", "w"]
ELAPSED: dict[str, int] = {"s": 1, "m": 60, "h": 3600}
SHORTEST_DAY = 23 * 3600  # a calendar day may lose an hour to daylight saving
LONGEST = 400 * 86_400  # a little over a year: an anniversary still fits
DURATION = re.compile(r"([1-9][0-9]{0,8})([smhdw])")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
LOCAL_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9]))?")


@dataclass(frozen=True, slots=True)
class Duration:
    """A length such as 90s, 15m, 1h, 3d, 2w."""

    amount: int
    unit: Unit

    def after(self, start: datetime, zone: ZoneInfo) -> datetime:
        """The instant this long after `start`; days and weeks keep the wall-clock time of `zone`."""
        if self.unit in ELAPSED:
            return start + timedelta(seconds=self.amount * ELAPSED[self.unit])
        days = self.amount * (7 if self.unit == "w" else 1)
        local = start.astimezone(zone)
        return resolve_local(local.date() + timedelta(days=days), local.time(), zone)

    def at_least(self) -> int:
        """The fewest seconds this can last."""
        if self.unit in ELAPSED:
            return self.amount * ELAPSED[self.unit]
        return self.amount * (7 if self.unit == "w" else 1) * SHORTEST_DAY


def parse_duration(text: str) -> Duration:
    """Reads `15m`, `1h`, `3d` …; ValueError says what is wrong with anything else."""
    match = DURATION.fullmatch(text)
    if match is None:
        raise ValueError("write a whole number and one unit of s, m, h, d or w, such as 15m, 1h or 3d")
    duration = Duration(int(match[1]), match[2])  # type: ignore[arg-type]  # the pattern admits only the five units
    if duration.at_least() > LONGEST:
        raise ValueError("the longest wait is 400 days")
    return duration


def parse_local_time(text: str) -> time:
    """Reads `09:00` or `09:00:30`; ValueError otherwise."""
    match = LOCAL_TIME.fullmatch(text)
    if match is None:
        raise ValueError("write a time of day as HH:MM, such as 09:00")
    return time(int(match[1]), int(match[2]), int(match[3] or 0))


def zone_named(name: str) -> ZoneInfo | None:
    """The IANA zone of this name, or None when there is none."""
    try:
        return zone(known_zone(name))
    except ValueError:
        return None


def resolve_local(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The UTC instant of a wall-clock time. In a gap: where the gap ends. In a fold: the first occurrence."""
    wall = datetime.combine(day, at.replace(tzinfo=None))
    instant = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == wall:
        return instant
    return _end_of_gap(wall.replace(tzinfo=zone, fold=1).astimezone(UTC), instant, zone)


def _end_of_gap(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The first second with the new offset; the change lies in (before, after]."""
    new_offset = after.astimezone(zone).utcoffset()
    low, high = before.replace(microsecond=0), after.replace(microsecond=0)
    while (gap := int((high - low).total_seconds())) > 1:
        middle = low + timedelta(seconds=gap // 2)
        if middle.astimezone(zone).utcoffset() == new_offset:
            high = middle
        else:
            low = middle
    return high


def next_local(at: time, zone: ZoneInfo, after: datetime, *, strictly: bool = False) -> datetime:
    """The next time the wall clock of `zone` shows `at`, at or after `after` (`strictly`: later than it).

    A time later today is today. An hour that comes twice is taken once, the first time.
    """
    today = after.astimezone(zone).date()
    for shift in range(-1, 4):  # from yesterday: a gap before midnight resolves to the next date
        candidate = resolve_local(today + timedelta(days=shift), at, zone)
        if candidate > after or (candidate == after and not strictly):
            return candidate
    raise ValueError("no such local time within three days")


def readable(text: str) -> bool:
    """True for what a definition may name: an RFC 3339 time, or a bare date, a day of the journey's own zone."""
    try:
        if _DATE.fullmatch(text):
            date.fromisoformat(text)
        else:
            read_instant(text)
    except ValueError:
        return False
    return True


def parse_moment(value: object, zone: ZoneInfo) -> datetime | None:
    """A time in a customer's data or a definition as UTC: a bare date starts, and a time without offset is, in `zone`.

    None for anything else.
    """
    if not isinstance(value, str):
        return None
    try:
        if len(value) == 10:
            return resolve_local(date.fromisoformat(value), time(0), zone)
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            return resolve_local(moment.date(), moment.time(), zone)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
