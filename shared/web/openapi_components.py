"""What operations have in common in the OpenAPI document: each written once, among the components, and referred to.

The gateway adds what its own door says (`gateway/docs/door.py`).
"""

from collections.abc import Iterable
from typing import Any

from shared.web.client import MOST_DEVICE
from shared.web.problems import (
    MEDIA_TYPE,
    BadRequest,
    Conflict,
    Forbidden,
    Gone,
    NotFound,
    Problem,
    TooLarge,
    TooManyRequests,
    Unauthorized,
    Unavailable,
    Unprocessable,
)

SAFE = frozenset(("get", "head", "options", "trace"))
_FAMILY: tuple[type[Problem], ...] = (
    BadRequest, Unauthorized, Forbidden, NotFound, Conflict, Gone, TooLarge, Unprocessable, TooManyRequests, Unavailable,
)  # fmt: skip
NAMES = {str(kind.status): kind.__name__ for kind in _FAMILY} | {"4XX": "Problem", "5XX": "Failure"}
"""The response among the components that stands for a status."""
_WAITS = (Conflict, TooManyRequests, Unavailable)


def _request(name: str, description: str, **schema: Any) -> dict[str, Any]:
    return {"name": name, "in": "header", "description": description, "schema": {"type": "string", **schema}}


def _answer(description: str, **schema: Any) -> dict[str, Any]:
    return {"description": description, "schema": {"type": "string", **schema}}


_PARAMETERS = {
    "RequestId": _request(
        "X-Request-Id",
        "An id of the caller's own, 8 to 100 letters, digits, `-` and `_`, to join their logs with ours. "
        "Another one is replaced.",
    ),
    "IdempotencyKey": _request(
        "Idempotency-Key",
        "Quoted or bare. The same key and body get the first answer again with `Idempotent-Replayed: true`; another body "
        "422 `idempotency_key_reused`; while the first call runs 409 `idempotency_in_progress`.",
        minLength=1,
        maxLength=257,
    ),
    "DeviceId": _request("X-Device-Id", "The app's own id of the device", maxLength=MOST_DEVICE),
    "ClientAddress": _request(
        "X-Client-Address", "The shopper's IP address, from a merchant's server that speaks for them"
    ),
}
_HEADERS = {
    "X-Request-Id": _answer("What to ask support about"),
    "Idempotent-Replayed": _answer("`true`: this is the first call's answer again", const="true"),
    "Retry-After": {"description": "Seconds to wait", "schema": {"type": "integer", "minimum": 0}},
}


def referred(kind: str, name: str) -> dict[str, str]:
    """A `$ref` to a component."""
    return {"$ref": f"#/components/{kind}/{name}"}


def headers(*names: str) -> dict[str, Any]:
    """`headers` of an answer."""
    return {name: referred("headers", name) for name in names}


def components() -> dict[str, dict[str, Any]]:
    """The components that every part's document has. `Problem` is the answer for any status, the others each for their own."""
    kinds: tuple[type[Problem], ...] = (Problem, *_FAMILY)
    responses = {kind.__name__: _refusal(kind) for kind in kinds}
    responses["Failure"] = {**_refusal(Problem), "description": "Something failed on our side: a problem document"}
    return {"parameters": dict(_PARAMETERS), "headers": dict(_HEADERS), "responses": responses}


def _refusal(kind: type[Problem]) -> dict[str, Any]:
    text = "A problem document (RFC 9457)" if kind is Problem else (kind.__doc__ or "").partition(": ")[2]
    return {
        "description": text[0].upper() + text[1:],
        "headers": headers("X-Request-Id", *(("Retry-After",) if kind in _WAITS else ())),
        "content": {MEDIA_TYPE: {"schema": referred("schemas", "Problem")}},
    }


def complete(operation: dict[str, Any], method: str, scope: str | None, client: bool) -> None:
    """Say of one operation what holds of all like it: the headers that are read and answered, the refusals.

    `client`: it wants to know who sits at the other end.
    """
    keyed = scope is not None and method not in SAFE
    common = ["RequestId", *(["IdempotencyKey"] if keyed else []), *(["DeviceId", "ClientAddress"] if client else [])]
    parameters = [*operation.get("parameters", ()), *(referred("parameters", name) for name in common)]
    refused = {"4XX", "5XX", "503"} | ({"401", "403"} if scope is not None else set()) | ({"409"} if keyed else set())
    if any(one.get("in") == "path" for one in parameters):
        refused.add("404")
    if "requestBody" in operation:
        refused.add("400")
    operation["parameters"] = parameters
    answers = operation["responses"]
    for status, answer in answers.items():
        if status[0] == "2":
            answer["headers"] = headers("X-Request-Id", *(("Idempotent-Replayed",) if keyed else ()))
    operation["responses"] = answers | refusals({status for status in answers if status[0] in "45"} | refused)


def refusals(statuses: Iterable[str]) -> dict[str, Any]:
    """`responses` of these statuses, such as `404` and `5XX`."""
    return {status: referred("responses", NAMES.get(status, "Problem")) for status in sorted(statuses)}
