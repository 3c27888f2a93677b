"""Times that come in: RFC 3339 text, and nothing that has to be guessed at. Pure.

Refused are numbers (seconds or milliseconds?), dates without a time (whose midnight?), times without an offset, `24:00:00`.
A fraction is kept to the microsecond. A leap second, `23:59:60Z` at the end of June or December, is the instant at which the
next day begins, as clocks of computers know no 61st second. `-00:00` is UTC.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

EXPECTED = "must be an RFC 3339 time with its offset, such as 2026-11-11T00:00:00+08:00"
_RFC_3339 = re.compile(
    r"(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})[Tt](?P<minute>(?:[01][0-9]|2[0-3]):[0-5][0-9]):"
    r"(?P<second>[0-5][0-9]|60)(?P<fraction>\.[0-9]+)?(?P<offset>[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)
_PLUS_LOST = re.compile(r"[^ ]+ [0-9]{2}:?[0-9]{2}")
_LEAP_DAYS = ((6, 30), (12, 31))


def read_instant(text: str) -> datetime:
    """The instant of RFC 3339 text, in UTC. Raises ValueError with what is wrong."""
    match = _RFC_3339.fullmatch(text)
    if match is None:
        lost = "; in an address a + is written %2B" if _PLUS_LOST.fullmatch(text) else ""
        raise ValueError(EXPECTED + lost)
    leap = match["second"] == "60"
    second, fraction = ("59", "") if leap else (match["second"], (match["fraction"] or "")[:7])
    offset = match["offset"].upper()
    try:
        local = datetime.fromisoformat(f"{match['day']}T{match['minute']}:{second}{fraction}{offset}")
    except ValueError:
        raise ValueError("must be a day that exists") from None
    try:
        instant = local.astimezone(UTC)
        if not leap:
            return instant
        if (instant.month, instant.day) in _LEAP_DAYS and (instant.hour, instant.minute) == (23, 59):
            return instant + timedelta(seconds=1)
    except OverflowError:
        raise ValueError("must lie between the years 1 and 9999 in UTC") from None
    raise ValueError("has a 60th second where no leap second can be")


def _instant(value: object) -> datetime:
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC)
    try:
        if isinstance(value, str):
            return read_instant(value)
    except ValueError as error:
        raise PydanticCustomError("invalid_time", "{why}", {"why": str(error)}) from None
    raise PydanticCustomError("invalid_time", "{why}", {"why": EXPECTED})


IncomingTime = Annotated[datetime, BeforeValidator(_instant)]
"""An aware instant in UTC; from outside RFC 3339 text, inside also an aware datetime."""
