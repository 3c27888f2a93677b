"""Durations, local times, and daylight saving (F8 F9 F10)."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.journey.times import next_local, parse_duration, parse_moment, resolve_local, zone_named

NEW_YORK = ZoneInfo("America/New_York")
SHANGHAI = ZoneInfo("Asia/Shanghai")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def test_f9_gap_resolves_to_where_the_gap_ends() -> None:
    assert resolve_local(date(2026, 3, 8), time(2, 30), NEW_YORK) == utc("2026-03-08T07:00:00Z")  # 03:00 EDT


def test_f9_fold_resolves_to_the_first_occurrence() -> None:
    assert resolve_local(date(2026, 11, 1), time(1, 30), NEW_YORK) == utc("2026-11-01T05:30:00Z")


def test_f8_an_hour_that_comes_twice_is_taken_once() -> None:
    between = utc("2026-11-01T06:10:00Z")  # 01:10 for the second time
    assert next_local(time(1, 30), NEW_YORK, between) == utc("2026-11-02T06:30:00Z")


def test_f8_repeated_waits_over_a_fold_go_forward_day_by_day() -> None:
    moment, seen = utc("2026-10-31T00:00:00Z"), []
    for _ in range(4):
        moment = next_local(time(1, 30), NEW_YORK, moment, strictly=True)
        seen.append(moment.isoformat())
    assert seen == [
        "2026-10-31T05:30:00+00:00",
        "2026-11-01T05:30:00+00:00",
        "2026-11-02T06:30:00+00:00",
        "2026-11-03T06:30:00+00:00",
    ]


def test_f9_a_day_keeps_the_wall_clock_and_24_hours_do_not() -> None:
    start = utc("2026-03-07T14:00:00Z")  # 09:00 EST, the day before the change
    assert parse_duration("24h").after(start, NEW_YORK) == utc("2026-03-08T14:00:00Z")  # 10:00 EDT
    assert parse_duration("1d").after(start, NEW_YORK) == utc("2026-03-08T13:00:00Z")  # 09:00 EDT


def test_f10_a_time_later_today_is_today() -> None:
    assert next_local(time(9), SHANGHAI, utc("2026-11-11T08:59:59+08:00")) == utc("2026-11-11T09:00:00+08:00")
    assert next_local(time(9), SHANGHAI, utc("2026-11-11T09:00:00+08:00")) == utc("2026-11-11T09:00:00+08:00")
    assert next_local(time(9), SHANGHAI, utc("2026-11-11T09:00:01+08:00")) == utc("2026-11-12T09:00:00+08:00")


def test_a_date_that_a_zone_skipped_resolves_to_the_next_that_exists() -> None:
    apia = ZoneInfo("Pacific/Apia")  # crossed the date line: 2011-12-30 never was
    assert resolve_local(date(2011, 12, 30), time(12), apia) == utc("2011-12-30T10:00:00Z")


def test_shanghai_had_summer_time_too() -> None:
    assert resolve_local(date(1988, 7, 1), time(0), SHANGHAI) == utc("1988-06-30T15:00:00Z")


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("15m", 900), ("1h", 3600), ("3d", 3 * 82800), ("2w", 14 * 82800)]
)
def test_durations(text: str, seconds: int) -> None:
    assert parse_duration(text).at_least() == seconds


@pytest.mark.parametrize("text", ["", "1", "h", "0m", "-1h", "1.5h", "1 h", "1y", "١h", "9999999999s", "500d", "1h30m"])
def test_bad_durations(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_duration(text)


@pytest.mark.parametrize(
    "value", [None, 5, "", "soon", "2026-13-01", "2026-02-30T00:00:00Z", [], "9999-12-31T23:59:59-12:00"]
)
def test_f22_what_is_no_date(value: object) -> None:
    assert parse_moment(value, SHANGHAI) is None


def test_dates_without_offset_are_local() -> None:
    assert parse_moment("2026-11-12", SHANGHAI) == utc("2026-11-12T00:00:00+08:00")
    assert parse_moment("2026-11-12T09:00:00", SHANGHAI) == utc("2026-11-12T09:00:00+08:00")


def test_unknown_zones() -> None:
    assert zone_named("Mars/Olympus") is None
    assert zone_named("../etc/passwd") is None
    assert zone_named("\0") is None


@given(
    day=st.dates(date(1975, 1, 1), date(2037, 12, 30)),
    at=st.times().map(lambda value: value.replace(microsecond=0)),
    name=st.sampled_from(["America/New_York", "Asia/Shanghai", "Europe/Lisbon", "Australia/Lord_Howe", "Pacific/Apia"]),
)
def test_a_local_time_is_shown_or_skipped(day: date, at: time, name: str) -> None:
    zone = ZoneInfo(name)
    instant = resolve_local(day, at, zone)
    shown = instant.astimezone(zone).replace(tzinfo=None)
    wall = datetime.combine(day, at)
    if shown != wall:  # in a gap: never early, and one second earlier the clock had not come this far
        assert shown > wall
        assert (instant - timedelta(seconds=1)).astimezone(zone).replace(tzinfo=None) < wall


@given(
    start=st.integers(157_766_400, 2_114_380_800).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    at=st.times().map(lambda value: value.replace(microsecond=0)),
    name=st.sampled_from(["America/New_York", "Asia/Shanghai", "Australia/Lord_Howe"]),
)
def test_next_local_is_ahead_and_near(start: datetime, at: time, name: str) -> None:
    found = next_local(at, ZoneInfo(name), start)
    assert start <= found <= start + timedelta(hours=50)
    assert next_local(at, ZoneInfo(name), found, strictly=True) > found
