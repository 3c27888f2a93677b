"""Comparable forms of trait and property values: settled when a value comes in, never guessed in a query.

A value has up to four forms, each absent where it makes no sense:
- `text`: Unicode NFKC (full-width `ＶＩＰ` equals `VIP`), the first 2,000 characters; booleans are `true` and `false`;
  a list of scalars is its elements, each between two separators.
- `number`: an exact integer in millionths, so that sums never depend on the order of floats. `"10"` and `10` are the same.
- `moment`: microseconds since 1970 in UTC, for an ISO 8601 date-time; `day`: the same for a bare date, at its own midnight.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from shared.money import round_half_up
from shared.times import read_instant

SCALE = 1_000_000
MAX_NUMBER = 9_000_000_000_000
TEXT_LIMIT = 2_000
SEPARATOR = "\x1f"
_NUMBERS_AND_TIMES = frozenset("-0123456789")
"""What plain numbers and ISO 8601 times begin with."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_NUMERIC = re.compile(r"-?(0|[1-9][0-9]{0,12})(\.[0-9]{1,12})?")
_FAR = 500 * 366 * 86_400_000_000
"""Times further than about 500 years from 1970 are text, not time: every calendar step from here stays possible."""
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, slots=True)
class Scalar:
    """The comparable forms of one value. All of them None: present, but not comparable (an object)."""

    text: str | None = None
    number: int | None = None
    moment: int | None = None
    day: int | None = None


def micros(instant: datetime) -> int:
    """Microseconds since 1970 of an aware instant."""
    return (instant - EPOCH) // timedelta(microseconds=1)


def instant(value: int) -> datetime:
    """The aware UTC instant of `micros`."""
    return EPOCH + timedelta(microseconds=value)


def scalar(value: Any, name: str = "") -> Scalar:
    """All forms of a JSON value. `name` is the trait's name: `phone` is brought to E.164 first."""
    if isinstance(value, bool):
        return Scalar(text="true" if value else "false")
    if isinstance(value, int | float):
        number = as_number(value)
        return Scalar(text=number_text(number) if number is not None else str(value), number=number)
    if isinstance(value, str):
        text = plain_text(value)
        if name == "phone":
            return Scalar(text=phone_text(text))
        if text[:1] not in _NUMBERS_AND_TIMES:
            return Scalar(text=text)
        moment, day = as_time(text)
        return Scalar(text=text, number=as_number(text), moment=moment, day=day)
    if isinstance(value, list):
        parts = [scalar(one).text for one in value[:300]]
        return Scalar(text=list_text([part for part in parts if part is not None]))
    return Scalar()


def plain_text(value: str) -> str:
    """NFKC, without NUL and the list separator, cut at the limit."""
    if not value.isascii():
        value = unicodedata.normalize("NFKC", value)
    if "\x00" in value or SEPARATOR in value:
        value = value.replace("\x00", "").replace(SEPARATOR, " ")
    return value[:TEXT_LIMIT]


def list_text(parts: list[str]) -> str:
    """The text form of a list, cut at a whole element."""
    text = SEPARATOR
    for part in parts:
        if len(text) + len(part) >= TEXT_LIMIT:
            break
        text += part + SEPARATOR
    return text


def as_number(value: Any) -> int | None:
    """Millionths of a number or of plain decimal text; None for anything else, for infinities and beyond ±9 × 10^12."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value * SCALE if abs(value) <= MAX_NUMBER else None
    if isinstance(value, str) and not _NUMERIC.fullmatch(value):
        return None
    try:
        exact = Decimal(repr(value) if isinstance(value, float) else value)
    except (InvalidOperation, TypeError, ValueError):
        return None
    if not exact.is_finite() or abs(exact) > MAX_NUMBER:
        return None
    return round_half_up(exact * SCALE)


def number_text(number: int) -> str:
    """A number in millionths as people write it: `10`, `-0.5`."""
    if number % SCALE == 0:
        return str(number // SCALE)
    return format(Decimal(number).scaleb(-6).normalize(), "f")


def number_value(number: int) -> int | float:
    """A number in millionths as JSON shows it."""
    return number // SCALE if number % SCALE == 0 else number / SCALE


def as_time(text: str) -> tuple[int | None, int | None]:
    """(moment, day) of ISO 8601 text: one of the two, or neither. A date-time without offset is read as UTC."""
    if len(text) < 10 or text[4] != "-" or not text[0].isdigit():
        return None, None
    try:
        if _DATE.fullmatch(text):
            day = day_micros(date.fromisoformat(text))
            return None, day if abs(day) < _FAR else None
        parsed = datetime.fromisoformat(text)
        moment = micros(parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC))
        return moment if abs(moment) < _FAR else None, None
    except (ValueError, OverflowError):
        return None, None


def rule_time(value: object) -> tuple[int | None, int | None]:
    """(moment, day) of a time that a rule names: RFC 3339, or a bare date, a day of the segment's own time zone. Or neither.

    Stricter than `as_time`: what customers' data say is read as it is, what people write may be corrected.
    """
    if not isinstance(value, str):
        return None, None
    if _DATE.fullmatch(value):
        return as_time(value)
    try:
        moment = micros(read_instant(value))
    except ValueError:
        return None, None
    return moment if abs(moment) < _FAR else None, None


def day_micros(day: date) -> int:
    """A date as microseconds since 1970-01-01, as if its zone were UTC: only ever compared with other dates."""
    return (day - EPOCH.date()).days * 86_400_000_000


def day_date(value: int) -> date:
    """The date of `day_micros`."""
    return EPOCH.date() + timedelta(days=value // 86_400_000_000)


def phone_text(text: str) -> str:
    """E.164 where it can be told: separators dropped, 00 → +, and eleven digits beginning with 1 are a Chinese mobile."""
    digits = re.sub(r"[\s().\-]", "", text)
    if digits.startswith("00"):
        digits = "+" + digits[2:]
    if re.fullmatch(r"1[3-9][0-9]{9}", digits):
        return "+86" + digits
    if re.fullmatch(r"86(1[3-9][0-9]{9})", digits):
        return "+" + digits
    return digits if re.fullmatch(r"\+?[0-9]{3,20}", digits) else text
