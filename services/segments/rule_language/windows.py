"""Windows: from when to when an event counts."""

from services.segments.rule_language.scalars import MAX_NUMBER
from services.segments.rule_language.tree import Window
from services.segments.rule_language.zones import add_days, day_start, local_day

FOREVER = MAX_NUMBER * 1_000_000
"""Later than every instant (µs)."""


def moves(window: Window) -> bool:
    """True when the passing of time alone changes what is inside."""
    return window.kind in ("rolling", "calendar")


def admits(window: Window, ts: int) -> bool:
    """False when an event can never count (outside a fixed window)."""
    if window.kind != "fixed":
        return True
    return (window.start is None or ts >= window.start) and (window.end is None or ts < window.end)


def span(window: Window, ts: int) -> tuple[int, int]:
    """(enter, leave) in µs: an event of `ts` counts at `now` when enter ≤ now < leave. Both grow with `ts`."""
    if window.kind == "rolling":
        return ts, ts + window.length
    if window.kind == "calendar":
        day = local_day(ts, window.zone)
        if window.include_today:
            return ts, day_start(add_days(day, window.days), window.zone)
        enter = day_start(add_days(day, 1), window.zone)
        return enter, day_start(add_days(day, window.days + 1), window.zone)
    return -FOREVER, FOREVER


def bounds(window: Window, now: int) -> tuple[int | None, int | None]:
    """The same for a query: (first, end) with first ≤ ts < end, in µs; None = open."""
    if window.kind == "rolling":
        return now - window.length + 1, now + 1
    if window.kind == "calendar":
        today = local_day(now, window.zone)
        if window.include_today:
            return day_start(add_days(today, 1 - window.days), window.zone), now + 1
        return day_start(add_days(today, -window.days), window.zone), day_start(today, window.zone)
    return window.start, window.end
