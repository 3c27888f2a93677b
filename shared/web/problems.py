"""Every non-2xx answer is a problem document (RFC 9457).

    Problem                    any status
    ├── BadRequest 400         malformed or ambiguous
    ├── Unauthorized 401       no valid credential
    ├── Forbidden 403          a scope is missing, a rule says no
    ├── NotFound 404           unknown, or somebody else's
    ├── Conflict 409           the state does not allow it
    ├── Gone 410               it was there, and its time is over
    ├── TooLarge 413
    ├── Unprocessable 422      understood, but a field is wrong
    ├── TooManyRequests 429
    └── Unavailable 503        try again

`code` is stable and snake_case; `detail` tells a person what to do; further members are given by keyword.
"""

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import to_json

from shared.db import DatabaseBusy, Trouble, is_transient, is_unstorable, kind_of
from shared.web.pointers import pointer_into

MEDIA_TYPE = "application/problem+json"


class FieldError(BaseModel):
    """One wrong field. `pointer` is a JSON pointer into the body that was sent (`#/lines/0/quantity`), or names a parameter of
    the query (`?limit`), a part of the path (`{template_id}`) or a header (`header:x-name`).
    """

    pointer: str
    code: str
    detail: str


class ProblemDocument(BaseModel):
    """The shape of every error answer."""

    model_config = ConfigDict(extra="allow", title="Problem")
    type: str = Field("about:blank", examples=["about:blank"])
    title: str = Field(examples=["Conflict"])
    status: int = Field(examples=[409])
    detail: str = Field(examples=["Every coupon of this template has been claimed."])
    code: str = Field(examples=["sold_out"])
    request_id: str | None = Field(None, examples=["req_01JD0000000000000000000000"])
    errors: list[FieldError] | None = None


class Problem(Exception):
    """An answer that is no success. See the module's docstring for the family."""

    status = 500

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
        errors: Sequence[FieldError] | None = None,
        **members: Any,
    ) -> None:
        super().__init__(f"{code}: {detail}")
        self.status = status or type(self).status
        self.code = code
        self.detail = detail
        self.headers = dict(headers or {})
        self.errors = list(errors) if errors else None
        self.members = members

    def body(self, request_id: str | None) -> bytes:
        """The document as bytes."""
        document: dict[str, Any] = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "request_id": request_id,
            **self.members,
        }
        if self.errors:
            document["errors"] = self.errors
        return to_json(document)


class BadRequest(Problem):
    """400: the request can't be read or contradicts itself."""

    status = 400


class Unauthorized(Problem):
    """401: nobody we know sent this."""

    status = 401


class Forbidden(Problem):
    """403: known, but not allowed."""

    status = 403


class NotFound(Problem):
    """404: there is no such object, or not for this caller."""

    status = 404


class Conflict(Problem):
    """409: the object's state, or another request, stands against it."""

    status = 409


class Gone(Problem):
    """410: it was there, and its time is over."""

    status = 410


class TooLarge(Problem):
    """413: more than is taken at once."""

    status = 413


class Unprocessable(Problem):
    """422: well formed, but against a rule."""

    status = 422


class TooManyRequests(Problem):
    """429: slower, please."""

    status = 429


class Unavailable(Problem):
    """503: something that this needs is away."""

    status = 503


def invalid(pointer: str, code: str, detail: str) -> Unprocessable:
    """One wrong field, found by a rule that a schema can't express."""
    return Unprocessable("validation_failed", detail, errors=[FieldError(pointer=pointer, code=code, detail=detail)])


def from_validation(errors: Sequence[Mapping[str, Any]], sent: Any, *, in_body: bool = False) -> Problem:
    """The problem for pydantic's error list about the body `sent`, as it was before anything was made of it.

    `in_body`: the locations begin in the body, not with the word where they are. The input is never echoed: it may hold
    customers' data.
    """
    if any(error["type"] == "json_invalid" for error in errors):
        return BadRequest("malformed_json", "The body is not valid JSON. Send one JSON object in UTF-8.")
    located = [(error, ("body", *error["loc"]) if in_body else error["loc"]) for error in errors[:50]]
    fields = [
        FieldError(pointer=_place(error, sent, location), code=error["type"], detail=_sentence(error, location))
        for error, location in located
    ]
    first = f"{fields[0].pointer}: {fields[0].detail}" if fields else "The request is not valid."
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return Unprocessable("validation_failed", f"{first}{more}", errors=fields)


def _place(error: Mapping[str, Any], sent: Any, location: Sequence[Any]) -> str:
    where, *parts = location or ("body",)
    if where != "body":
        name = str(parts[0]) if parts else ""
        return {"query": f"?{name}", "path": f"{{{name}}}"}.get(where, f"{where}:{name}")
    kind = error["type"]
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        parts.append(str(error["ctx"]["discriminator"]).strip("'"))
    return pointer_into(sent, parts, missing=kind in ("missing", "union_tag_not_found"))


_SUBJECT = re.compile(r"^(Input|String|List|Tuple|Set|Dictionary|Data|Value|Number) should ")
_SENTENCES = {
    "extra_forbidden": "This field is not known here; check its spelling or leave it out.",
    **dict.fromkeys(("missing", "union_tag_not_found"), "This field is required."),
    **dict.fromkeys(("model_type", "model_attributes_type", "dict_type"), "This must be an object {…}."),
    **dict.fromkeys(("list_type", "tuple_type", "set_type"), "This must be a list […]."),
    **dict.fromkeys(
        ("int_type", "int_parsing", "int_from_float"), "This must be a whole number, without quotation marks."
    ),
    **dict.fromkeys(("bool_type", "bool_parsing"), "This must be true or false, without quotation marks."),
    "string_type": "This must be a text.",
}
"""What is said in the place of pydantic's words, which speak of its own classes."""


def _sentence(error: Mapping[str, Any], location: Sequence[Any]) -> str:
    if error["type"] == "union_tag_invalid":
        return f"This must be one of {error['ctx']['expected_tags']}."
    if error["type"] == "missing" and tuple(location) == ("body",):
        return "This call needs a body: send one JSON object."
    message = str(_SENTENCES.get(error["type"], error["msg"])).removeprefix("Value error, ")
    message = _SUBJECT.sub("This must ", message)
    return message if message.endswith(".") else message + "."


_OF_TROUBLE = {
    Trouble.AWAY: ("temporarily_unavailable", "The database does not answer; try again.", 2),
    Trouble.STARTING: ("database_starting", "The database is starting up or recovering; try again.", 5),
    Trouble.FULL: (
        "storage_full",
        "The database has no room left; nothing was changed, and what only reads goes on. "
        "Whoever operates it must make room; repeat the call afterwards.",
        30,
    ),
    Trouble.READ_ONLY: (
        "storage_read_only",
        "The database takes no writes at present; nothing was changed, and what only reads goes on. "
        "A failover takes seconds; else whoever operates it must open it again.",
        5,
    ),
    Trouble.FAILING: (
        "storage_failing",
        "The database can't read or write its disk. Whoever operates it must look at the disk; repeat the call afterwards.",
        30,
    ),
    Trouble.MEMORY: ("database_out_of_memory", "The database is out of memory; nothing was changed. Try again.", 5),
}
"""Code, detail and seconds after which to come again. All are 503: a 507 forbids to repeat the call by itself, which is what
SDKs, webhook senders and the gateway's callers shall do."""


def to_problem(error: Exception) -> Problem | None:
    """The problem for an exception that is not a bug: a problem itself, a database away, a value that can't be stored."""
    if isinstance(error, Problem):
        return error
    if is_unstorable(error):
        return Unprocessable(
            "unstorable_value",
            "A value can't be stored: remove NUL characters and lone surrogates, keep numbers within 64 bits.",
        )
    if is_transient(error):
        return Unavailable(
            "hot_rows",
            "Others were changing the same rows; nothing was changed. Try again.",
            headers={"Retry-After": "1"},
        )
    if isinstance(error, DatabaseBusy):
        return Unavailable(
            "busy",
            "Too many calls wait for the database; nothing was changed. Try again in a second.",
            headers={"Retry-After": "1"},
        )
    trouble = kind_of(error)
    if trouble is None:
        return None
    code, detail, seconds = _OF_TROUBLE[trouble]
    return Unavailable(code, detail, headers={"Retry-After": str(seconds)})


def unexpected() -> Problem:
    """What a caller sees of a bug: nothing but the request id to ask about."""
    return Problem(
        "internal_error", "Something failed on our side. Nothing was changed; quote the request id to support."
    )
