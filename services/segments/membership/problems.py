"""The refusals of segments."""

from collections.abc import Sequence

from services.segments.rule_language.faults import Faults
from shared.web import Conflict, FieldError, NotFound, Unprocessable


def refused_rule(faults: Faults) -> Unprocessable:
    """The problem for a rule that can't be read: every fault with its pointer; the code is that of the first."""
    first = faults.faults[0]
    errors = [FieldError(pointer=one.pointer, code=one.code, detail=one.detail) for one in faults.faults[:50]]
    return Unprocessable(first.code, f"{first.pointer}: {first.detail}", errors=errors)


def unknown_segment() -> NotFound:
    """There is no segment of that id."""
    return NotFound("not_found", "There is no such segment; list them with GET /v1/segments.")


def segment_archived() -> Conflict:
    """What is archived stays as it is."""
    return Conflict("segment_archived", "This segment is archived and can't change; create a new one.")


def segment_in_use(users: Sequence[str]) -> Conflict:
    """`users`: the segments that refer to it."""
    detail = "Other segments refer to this one; change or archive them first."
    return Conflict("segment_in_use", detail, referenced_by=users)
