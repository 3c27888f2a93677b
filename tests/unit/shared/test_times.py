"""RFC 3339 text is a time, and nothing else is."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from shared.contracts.base import Envelope
from shared.times import read_instant
from shared.web.schemas import Instant, rfc3339

INSTANT = TypeAdapter(Instant)
NO_TIMES = [
    *(1_794_240_000, 1_794_240_000_000, 0, 1.5, True, "1794240000", "1794240000.0", "", "now", "today", [], {}),
    *("2026-11-11", "2026-11-11T00:00:00", "2026-11-11T00:00Z", "2026-11-11T00Z", "2026-11T00:00:00Z", "T00:00:00Z"),
    *("2026-11-11 00:00:00+08:00", "2026-11-11T00:00:00 +08:00", "2026-11-11T00:00:00+0800", "2026-11-11T00:00:00+08"),
    *("2026-11-11T24:00:00Z", "2026-11-11T23:60:00Z", "2026-11-11T23:59:61Z", "2026-11-11T12:00:00+24:00"),
    *("2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-11-31T00:00:00Z", "2026-W46-3T00:00:00Z", "2026-315T00:00:00Z"),
    *("20261111T000000Z", "2026-11-11T00:00:00,5Z", "2026-11-11T00:00:00.Z", "2026-11-11T00:00:00Z\n", " 2026-11-11T00:00:00Z"),
    *("２０２６-11-11T00:00:00Z", "2026-11-11T00:00:00+08:00[Asia/Shanghai]", "2026-11-11T00:00:00 CST", "-026-11-11T00:00:00Z"),
    *("0000-01-01T00:00:00Z", "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "9999-12-31T23:59:60Z"),
    *("2026-11-11T23:59:60Z", "2026-12-31T23:59:60+08:00", "2026-12-31T12:59:60Z"),
]  # fmt: skip


@pytest.mark.parametrize("value", NO_TIMES)
def test_what_would_have_to_be_guessed_at_is_refused(value: Any) -> None:
    with pytest.raises(ValidationError) as refused:
        INSTANT.validate_python(value)
    [error] = refused.value.errors()
    assert (error["type"], error["loc"]) == ("invalid_time", ())


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-11-11T00:00:00+08:00", "2026-11-10T16:00:00Z"),
        ("2026-11-11t00:00:00z", "2026-11-11T00:00:00Z"),
        ("2026-11-11T00:00:00-00:00", "2026-11-11T00:00:00Z"),
        ("2026-11-11T00:00:00.5+05:45", "2026-11-10T18:15:00.500000Z"),
        ("2026-11-11T23:59:59.9999999Z", "2026-11-11T23:59:59.999999Z"),  # cut, so that it never becomes the next day
        ("1990-12-31T23:59:60Z", "1991-01-01T00:00:00Z"),
        ("1990-12-31T15:59:60.75-08:00", "1991-01-01T00:00:00Z"),
        ("2015-07-01T07:59:60+08:00", "2015-07-01T00:00:00Z"),
    ],
)
def test_what_rfc_3339_allows_is_read(text: str, utc: str) -> None:
    assert rfc3339(read_instant(text)) == utc


@given(
    when=st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 12, 31)),  # noqa: DTZ001 - the offset is drawn
    minutes=st.integers(-1439, 1439),
)
def test_every_time_with_every_offset_is_read_as_written(when: datetime, minutes: int) -> None:
    aware = when.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    assert INSTANT.validate_python(aware.isoformat()) == aware
    assert INSTANT.validate_json(INSTANT.dump_json(aware.astimezone(UTC))) == aware


def test_a_plus_that_an_address_turned_into_a_blank_is_explained() -> None:
    with pytest.raises(ValueError, match="%2B"):
        read_instant("2026-11-11T00:00:00 08:00")


def test_messages_carry_no_numbers_for_times() -> None:
    outside = {"id": "evt_1", "name": "x", "version": 1, "payload": {}}
    Envelope.model_validate({**outside, "occurred_at": "2026-11-11T00:00:00Z"})
    for wrong in (1_794_240_000, "2026-11-11", "2026-11-11T00:00:00"):
        with pytest.raises(ValidationError, match="invalid_time"):
            Envelope.model_validate({**outside, "occurred_at": wrong})
