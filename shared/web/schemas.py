"""Base classes and common field types of requests and answers."""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer, StringConstraints

from shared.times import IncomingTime


class Body(BaseModel):
    """Base of every request body: an unknown field is an error, not a silent nothing."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, str_max_length=100_000, defer_build=True)


class View(BaseModel):
    """Base of every answer."""

    model_config = ConfigDict(from_attributes=True, frozen=True, defer_build=True)


def _no_nul(value: str) -> str:
    if "\x00" in value:
        raise ValueError("must not hold a NUL character")
    return value


def rfc3339(value: datetime) -> str:
    """`2026-11-11T00:00:00Z`, with a fraction only when there is one."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


Text = Annotated[str, StringConstraints(max_length=10_000), AfterValidator(_no_nul)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_no_nul)]
"""What people call a thing; any language."""
Amount = Annotated[int, Field(strict=True, ge=0, le=10**15)]
"""Money in minor units; a decimal or a text is refused, never guessed at."""
Quantity = Annotated[int, Field(strict=True, ge=1, le=10**9)]
Count = Annotated[int, Field(strict=True, ge=0, le=10**12)]
BasisPoints = Annotated[int, Field(strict=True, ge=0, le=10_000)]
"""10,000 = 100 %."""
Instant = Annotated[IncomingTime, PlainSerializer(rfc3339, return_type=str, when_used="json")]
"""RFC 3339 text with offset, see `shared.times`; answered in UTC."""
_YEARS = range(2000, 2200)


def _showable(value: datetime) -> datetime:
    if value.year not in _YEARS:
        raise ValueError(f"must lie in the years {_YEARS.start} to {_YEARS.stop - 1}")
    return value


# A rule, not bounds of the field: JSON Schema has none for times, and pydantic would write `ge` and `lt` into the document.
Simulated = Annotated[Instant, AfterValidator(_showable)]
"""A time that a simulated clock can show: years after it, and days in every time zone, are still in the calendar."""
JsonObject = dict[str, Any]
