"""The merchant's calendar: which day and month it is there, and when they end. Pure: the time comes as an argument."""

from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from gateway.policy import Period


class Span(NamedTuple):
    """One day or month: `label` is its date. `begins` and `ends` are seconds since 1970."""

    label: str
    begins: float
    ends: float


class Calendar:
    """Remembers today and this month, so that a request costs no arithmetic on dates."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._spans: dict[Period, Span] = {}

    def span(self, period: Period, now: float) -> Span:
        """The one in which `now` lies."""
        known = self._spans.get(period)
        if known is None or not known.begins <= now < known.ends:
            known = self._spans[period] = self._find(period, now)
        return known

    def _find(self, period: Period, now: float) -> Span:
        day = datetime.fromtimestamp(now, self._zone).date()
        first = day.replace(day=1) if period == "month" else day
        after = (first + timedelta(days=32)).replace(day=1) if period == "month" else first + timedelta(days=1)
        begins, ends = (datetime(one.year, one.month, one.day, tzinfo=self._zone).timestamp() for one in (first, after))
        return Span(f"{first:%Y-%m}" if period == "month" else first.isoformat(), begins, ends)
