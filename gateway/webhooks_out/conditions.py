"""The HTTP shapes of what an endpoint wants besides URL and events: conditions, headers of its own, pace."""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from gateway.webhooks_out.filters import ORDERED
from shared.web import Body, Text

_Value = (
    bool
    | Annotated[int, Field(strict=True)]
    | Annotated[float, Field(strict=True)]
    | Annotated[str, Field(max_length=200)]
)
_HEADER = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_HEADER_VALUE = re.compile(r"[!-~](?:[ -~]{0,498}[!-~])?")
_OURS = re.compile(
    r"host|content-.*|webhook-.*|user-agent|connection|keep-alive|transfer-encoding|te|trailer|upgrade|expect|date|proxy-.*|x-quanyu-.*"
)


class EventCondition(Body):
    """One condition on a property of an event's `data`; a dot walks into objects. `in` and `not_in` take a list."""

    property: Annotated[Text, Field(min_length=1, max_length=100)]
    op: Literal["eq", "ne", "in", "not_in", "gt", "gte", "lt", "lte", "exists", "not_exists"]
    value: _Value | Annotated[list[_Value], Field(min_length=1, max_length=50)] | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        value = self.value
        if self.op in ("exists", "not_exists"):
            fits, wanted = value is None, "takes no value"
        elif self.op in ("in", "not_in"):
            fits, wanted = isinstance(value, list), "takes a list of values"
        elif self.op in ORDERED:
            fits, wanted = isinstance(value, int | float) and not isinstance(value, bool), "takes a number"
        else:
            fits, wanted = value is not None and not isinstance(value, list), "takes one value"
        if not fits:
            raise ValueError(f"{self.op} {wanted}")
        return self

    def stored(self) -> dict[str, Any]:
        """As it is kept and answered."""
        return self.model_dump(exclude_none=True)


def _headers(given: dict[str, str]) -> dict[str, str]:
    lower = {name.lower(): value for name, value in given.items()}
    for name, value in lower.items():
        if not _HEADER.fullmatch(name):
            raise ValueError("a header's name has letters, digits and hyphens, 64 at most")
        if _OURS.fullmatch(name):
            raise ValueError(f"{name} is set by us; choose another name")
        if not _HEADER_VALUE.fullmatch(value):
            raise ValueError(f"the value of {name} must be 1 to 500 visible characters of ASCII")
    if len(lower) < len(given):
        raise ValueError("the same header is given twice")
    return lower


Conditions = Annotated[list[EventCondition], Field(max_length=10)]
OwnHeaders = Annotated[dict[str, str], Field(max_length=10), AfterValidator(_headers)]
Payload = Literal["full", "thin"]
InFlight = Annotated[int, Field(strict=True, ge=1, le=100)]
PerSecond = Annotated[int, Field(strict=True, ge=1, le=1000)]
