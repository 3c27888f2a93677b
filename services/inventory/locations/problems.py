"""The refusals about places that more than one room answers with."""

from collections.abc import Sequence
from typing import Any

from shared.web import Conflict, FieldError


def location_closed(named: Sequence[tuple[str, str]], **members: Any) -> Conflict:
    """Places, each (id, JSON pointer of the field that named it), that are not active."""
    errors = [FieldError(pointer=pointer, code="location_closed", detail=_advice(id_)) for id_, pointer in named]
    return Conflict("location_closed", f"{errors[0].pointer}: {errors[0].detail}", errors=errors[:50], **members)


def _advice(location_id: str) -> str:
    return (
        f"{location_id} is closed: it promises nothing and nothing is sent there. Name another location, or open it with "
        f'PATCH /v1/locations/{location_id} {{"active": true}}.'
    )
