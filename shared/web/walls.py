"""What a request says beside what its route reads is refused, not passed over 未知参数一律拒绝.

A filter that is misspelt would list everything, and `{"lines": …}` to a route that reads no body would do it to all lines:
the caller would take it for done. `create_app` puts a wall before each route of the document; hot routes ask the same two
questions. A route that strangers call in manners of their own says `openapi_extra=OPEN_QUERY`.
"""

import copy
import difflib
from collections.abc import Iterator, Mapping
from typing import Any, get_args, get_origin
from urllib.parse import parse_qsl, unquote_to_bytes

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic_core import from_json
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.web.asgi import read_body, replayed
from shared.web.pointers import within
from shared.web.problems import BadRequest, FieldError, Unprocessable

OPEN_QUERY: dict[str, Any] = {"x-open-query": True}
"""For `openapi_extra`: platforms append parameters of their own (signature, time, trace) to the address that they are given."""
_READS_NO_BODY = frozenset(("GET", "HEAD", "OPTIONS", "TRACE"))
_MOST = 50
_LONGEST_NAME = 100
_NOTHING: tuple[object, ...] = (None, {})


def refuse_query(query: bytes, known: Mapping[str, bool]) -> None:
    """Raise Unprocessable for parameters that are not `known`, given twice, or empty; BadRequest for what is no UTF-8.

    `known` says of each name whether it may be repeated.
    """
    try:
        unquote_to_bytes(query).decode()
    except UnicodeDecodeError:
        raise BadRequest(
            "malformed_query", "The part of the URL after the ? must be percent-encoded UTF-8; GBK can't be read."
        ) from None
    faults, seen = [], set[str]()
    for name, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        if name not in known:
            faults.append(FieldError(pointer=_pointer(name), code="extra_forbidden", detail=_unknown(name, known)))
        elif name in seen and not known[name]:
            faults.append(FieldError(pointer=_pointer(name), code="repeated", detail="This parameter is given once."))
        elif not value:
            detail = "This parameter is empty; give it a value or leave it out."
            faults.append(FieldError(pointer=_pointer(name), code="empty", detail=detail))
        seen.add(name)
    if faults:
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        raise Unprocessable(
            "validation_failed", f"{faults[0].pointer}: {faults[0].detail}{more}", errors=faults[:_MOST]
        )


def refuse_body(body: bytes) -> None:
    """Raise for what says something to a route that reads no body. Blanks, `null` and `{}` say nothing."""
    if not body or body.isspace():
        return
    try:
        said = from_json(body, allow_inf_nan=False)
    except ValueError:
        raise BadRequest("malformed_json", "The body is not valid JSON. This call needs none: leave it out.") from None
    if said in _NOTHING:
        return
    if not isinstance(said, dict):
        faults = [FieldError(pointer="#", code="extra_forbidden", detail="This call takes no body; leave it out.")]
    else:
        detail = "This call reads no fields; leave this one out."
        pointers = (within("#", name[:_LONGEST_NAME]) for name in said)
        faults = [FieldError(pointer=one, code="extra_forbidden", detail=detail) for one in pointers]
    raise Unprocessable("validation_failed", f"{faults[0].pointer}: {faults[0].detail}", errors=faults[:_MOST])


def walled(route: BaseRoute) -> BaseRoute:
    """The route behind its wall. What stands in no document (probes, metrics) is asked by tools in manners of their own."""
    if not isinstance(route, APIRoute) or not route.include_in_schema:
        return route
    known = dict(_parameters(route.dependant))
    extra = route.openapi_extra or {}
    reads_body = route.body_field is not None or "requestBody" in extra
    behind = copy.copy(route)
    behind.app = _Wall(route.app, None if "x-open-query" in extra else known, reads_body=reads_body)
    return behind


class _Wall:
    """Pure ASGI, before one route's own application."""

    def __init__(self, app: ASGIApp, known: Mapping[str, bool] | None, *, reads_body: bool) -> None:
        self._app = app
        self._known = known
        self._reads_body = reads_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let through what the route reads whole."""
        query = scope["query_string"]
        if query and self._known is not None:
            refuse_query(query, self._known)
        if not self._reads_body and scope["method"] not in _READS_NO_BODY:
            body = await read_body(receive)
            refuse_body(body)
            receive = replayed(body, receive)
        await self._app(scope, receive, send)


def _parameters(dependant: Dependant) -> Iterator[tuple[str, bool]]:
    """Every query parameter that the route or what it depends on reads, and whether it is a list."""
    for field in dependant.query_params:
        kind = field.field_info.annotation
        yield field.alias, any(get_origin(one) is list for one in (kind, *get_args(kind)))
    for one in dependant.dependencies:
        yield from _parameters(one)


def _pointer(name: str) -> str:
    return "?" + name[:_LONGEST_NAME]


def _unknown(name: str, known: Mapping[str, bool]) -> str:
    if not known:
        return "This call takes no parameters; leave it out."
    near = difflib.get_close_matches(name, known, 1)
    hint = f" Did you mean {near[0]}?" if near else ""
    return f"There is no parameter of this name here.{hint} This call takes {', '.join(sorted(known))}."
