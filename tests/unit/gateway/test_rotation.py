"""Secrets that overlap while they are being changed."""

from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.rotation import first, live, rotated

NOW = datetime(2026, 11, 11, tzinfo=UTC)
DAY = timedelta(days=1)


def test_secrets_in_their_overlap_are_in_force() -> None:
    secrets: list[dict[str, Any]] = [
        {"secret": "new", "until": None},
        {"secret": "old", "until": "2026-11-11T00:00:01+00:00"},
        {"secret": "older", "until": "2026-11-11T00:00:00+00:00"},
    ]
    assert live(secrets, NOW) == ["new", "old"]


def test_the_overlap_ends_on_the_second() -> None:
    secrets = rotated(first("a"), "b", NOW, DAY)
    assert live(secrets, NOW + DAY - timedelta(microseconds=1)) == ["b", "a"]
    assert live(secrets, NOW + DAY) == ["b"]


def test_without_an_overlap_the_old_one_ends_at_once() -> None:
    assert rotated(first("a"), "b", NOW, timedelta()) == first("b")


def test_a_later_rotation_never_lengthens_an_overlap_and_two_old_ones_are_the_most() -> None:
    secrets = first("a")
    for name in "bcd":
        secrets = rotated(secrets, name, NOW, DAY)
    assert live(secrets, NOW) == ["d", "c", "b"]
    again = rotated(rotated(first("a"), "b", NOW, DAY), "c", NOW, 7 * DAY)
    assert live(again, NOW + DAY) == ["c", "b"]
