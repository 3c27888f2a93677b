"""Weekdays with hours against a reference that walks the wall clock minute by minute."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from services.coupon.templates.validity import Validity, open_at

# A week each around a change of clocks: at 2 and 1 o'clock, at midnight (forward and back), by half an hour, and none.
WEEKS = [
    ("Asia/Shanghai", date(2026, 11, 23)),
    ("Europe/Berlin", date(2026, 3, 25)),
    ("Europe/Berlin", date(2026, 10, 21)),
    ("America/New_York", date(2026, 3, 4)),
    ("America/New_York", date(2026, 10, 28)),
    ("America/Santiago", date(2026, 9, 2)),
    ("America/Santiago", date(2026, 4, 1)),
    ("Africa/Cairo", date(2026, 4, 20)),
    ("Australia/Lord_Howe", date(2026, 4, 1)),
]
clock_times = st.builds("{:02d}:{:02d}".format, st.integers(0, 23), st.sampled_from([0, 1, 30, 59]))
spans = st.tuples(clock_times, clock_times | st.just("24:00")).filter(lambda span: span[0] != span[1])


def reference(weekdays: list[int], hours: list[tuple[str, str]], first: date) -> set[tuple[date, str]]:
    """Every minute of wall clocks at which a shop is open that opens on those days and keeps open until it closes."""
    held = set()
    for day in (first + timedelta(days=shift) for shift in range(-2, 10)):
        if weekdays and day.isoweekday() not in weekdays:
            continue
        for start, end in hours or [("00:00", "24:00")]:
            minute = datetime.fromisoformat(f"{day} {start}")
            closing = "00:00" if end == "24:00" else end
            while True:
                held.add((minute.date(), f"{minute:%H:%M}"))
                minute += timedelta(minutes=1)
                if f"{minute:%H:%M}" == closing:
                    break
    return held


@given(
    where=st.sampled_from(WEEKS),
    weekdays=st.lists(st.integers(1, 7), max_size=3, unique=True),
    hours=st.lists(spans, max_size=3),
    second=st.integers(0, 59),
)
def test_the_hours_of_a_night_belong_to_the_day_that_it_begins_on(
    where: tuple[str, date], weekdays: list[int], hours: list[tuple[str, str]], second: int
) -> None:
    name, first = where
    zone = ZoneInfo(name)
    validity = Validity.model_validate(
        {"weekdays": weekdays, "hours": [{"from": one, "until": other} for one, other in hours], "time_zone": name}
    )
    held = reference(weekdays, hours, first)
    instant = datetime(first.year, first.month, first.day, second=second, tzinfo=zone).astimezone(UTC)
    for step in range(0, 7 * 1440, 7):
        now = instant + timedelta(minutes=step)
        local = now.astimezone(zone)
        is_open = (not weekdays and not hours) or (local.date(), f"{local:%H:%M}") in held
        assert open_at(validity, now, "Pacific/Auckland") is is_open, local


def test_a_friday_night_ends_on_saturday() -> None:
    friday = Validity.model_validate({"weekdays": [5], "hours": [{"from": "22:00", "until": "02:00"}]})

    def at(text: str) -> bool:
        return open_at(friday, datetime.fromisoformat(f"{text}+08:00"), "Asia/Shanghai")

    assert [at("2026-11-27T00:30"), at("2026-11-27T01:59"), at("2026-11-27T21:59")] == [False, False, False]
    assert [at("2026-11-27T22:00"), at("2026-11-28T00:00"), at("2026-11-28T01:59")] == [True, True, True]
    assert [at("2026-11-28T02:00"), at("2026-11-28T22:00"), at("2026-11-29T01:00")] == [False, False, False]
