"""What answers mean and when a webhook is sent again."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.webhook_answers import Retries, Verdict, judge

NOW = datetime(2026, 11, 11, tzinfo=UTC)
RETRIES = Retries((0.0, 5.0, 300.0), jitter=0.2)


def verdict(status: int | None, retry_after: str | None = None, done: int = 1, chance: float = 0.5) -> Verdict:
    return judge(status, retry_after, done=done, retries=RETRIES, chance=chance, now=NOW)


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_2xx_is_success(status: int) -> None:
    assert verdict(status).outcome == "delivered"


@pytest.mark.parametrize("status", [None, 100, 301, 302, 400, 401, 404, 500])
def test_anything_else_is_tried_again_on_schedule(status: int | None) -> None:
    found = verdict(status, "3600")
    assert (found.outcome, found.retry_at, found.pause) == ("retry", NOW + timedelta(seconds=5), False)


def test_410_ends_the_endpoint_and_the_last_round_ends_the_delivery() -> None:
    assert verdict(410).outcome == "gone"
    assert verdict(500, done=3).outcome == "failed"
    assert verdict(None, done=3).outcome == "failed"


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7),
        ("1", 5),
        ("999999999999", 86400),
        ("Wed, 11 Nov 2026 00:10:00 GMT", 600),
        ("Wed, 11 Nov 2020 00:10:00 GMT", 5),
        ("Wed, 11 Nov 2036 00:10:00 GMT", 86400),
    ],
)
def test_retry_after_is_honoured_up_to_a_day(header: str, seconds: int) -> None:
    found = verdict(429, header)
    assert (found.retry_at, found.pause) == (NOW + timedelta(seconds=seconds), True)


@given(st.text(max_size=40), st.sampled_from([429, 502, 503, 504]))
def test_any_retry_after_is_survived(text: str, status: int) -> None:
    found = verdict(status, text)
    assert found.outcome == "retry"
    assert found.retry_at is not None
    assert NOW < found.retry_at <= NOW + timedelta(days=1)


@given(st.floats(0, 1))
def test_jitter_stays_within_a_fifth(chance: float) -> None:
    retry_at = verdict(500, done=2, chance=chance).retry_at
    assert retry_at is not None
    assert NOW + timedelta(seconds=239) < retry_at < NOW + timedelta(seconds=361)
