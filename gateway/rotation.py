"""Secrets that overlap while they are being changed, for what is signed and for what is proven. Pure: time is an argument.

A list of `{"secret", "until"}`, newest first; `until` is None for the present one, else the end of its overlap in ISO 8601.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

_MOST_OLD = 2
"""Old secrets kept: headers with their signatures, and the work of proving, stay small."""


def first(secret: str) -> list[dict[str, Any]]:
    """The list of an object that has never had another secret."""
    return [{"secret": secret, "until": None}]


def live(secrets: Iterable[dict[str, Any]], now: datetime) -> list[str]:
    """The secrets in force, newest first: the present one, and those still in their overlap."""
    return [one["secret"] for one in secrets if one["until"] is None or datetime.fromisoformat(one["until"]) > now]


def rotated(secrets: Sequence[dict[str, Any]], secret: str, now: datetime, overlap: timedelta) -> list[dict[str, Any]]:
    """The list with `secret` as the present one; what was in force stays so for `overlap` at most."""
    in_force, end = set(live(secrets, now)), (now + overlap).isoformat(timespec="microseconds")
    old = [one | {"until": min(one["until"] or end, end)} for one in secrets if one["secret"] in in_force]
    return first(secret) + (old[:_MOST_OLD] if overlap > timedelta() else [])
