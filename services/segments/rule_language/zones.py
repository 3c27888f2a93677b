"""Local days of a time zone as instants: the only place where a calendar meets microseconds."""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from services.segments.rule_language.scalars import day_date, day_micros, instant, micros
from shared.zones import zone

MIN_DAY = day_micros(date.min + timedelta(days=2))
MAX_DAY = day_micros(date.max - timedelta(days=2))


@lru_cache(maxsize=65_536)
def day_start(day: int, zone_name: str) -> int:
    """The first instant of a local day (`day` as day_micros). Where a clock change skips midnight, the first that exists."""
    day = min(max(day, MIN_DAY), MAX_DAY)
    # fold=0 names the first of two midnights, and lands just behind a midnight that a clock change skips.
    return micros(datetime.combine(day_date(day), time(), tzinfo=zone(zone_name)).astimezone(UTC))


def local_day(at: int, zone_name: str) -> int:
    """The local day (day_micros) on which an instant falls."""
    day = day_micros(instant(at).astimezone(zone(zone_name)).date())
    # Where midnight happens twice, the day begins at its first midnight.
    return day if day_start(day, zone_name) <= at else day - 86_400_000_000


def add_days(day: int, days: int) -> int:
    """`days` later on the calendar."""
    return day + days * 86_400_000_000
