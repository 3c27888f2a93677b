"""Hot routes: endpoints for thousands of calls a second, without a framework between them and the work.

They stand beside the FastAPI routes, check permission and body alike, and appear in the same OpenAPI document.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from pydantic import BaseModel
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.web.asgi import read_body, respond
from shared.web.bodies import read_body_as
from shared.web.costs import COST_HEADER
from shared.web.idempotency_keys import KeyedCall, Replayed, Submission, header_values, keyed_call
from shared.web.identity import Caller, required
from shared.web.openapi_components import refusals
from shared.web.walls import refuse_body, refuse_query

B = TypeVar("B")
Q = TypeVar("Q")
_NOTHING = (b"", b"null")
"""Bodies that say nothing, as they do where FastAPI reads them."""


@dataclass(slots=True)
class HotRequest(Generic[B]):
    """What an endpoint gets. `body` is the validated model, or None for a route that reads `raw` itself.

    The endpoint sets `cost` when the call carries many things: it then counts for as many; and `replayed` when it answers what
    an earlier call with the same id of the caller's own was answered.
    """

    caller: Caller
    path_params: dict[str, str]
    body: B
    raw: bytes
    scope: Scope
    cost: int = 1
    replayed: bool = False
    status: int = 200
    call: KeyedCall | None = None
    """Under whose Idempotency-Key the call comes, on a route that says `keyed`."""

    @property
    def request_id(self) -> str | None:
        """The id that the gateway gave this request."""
        return self.scope.get("quanyu.request_id")

    def submission(self, request: Q) -> Submission[Q]:
        """What the endpoint of a `keyed` route submits to its group."""
        return Submission(request, self.call, self.status, self.request_id)


@dataclass(frozen=True)
class HotRoute:
    """One operation. `endpoint` answers bytes of JSON or a model, or raises a Problem.

    `body` is the model of the request; with `parse=False` it only documents what the endpoint reads from `raw`; one that is
    `optional` may be left out, but is never passed over. `errors` are statuses worth naming; `client` says that the endpoint
    asks who sits at the other end (`client_of`). Generated clients call it by the
    endpoint's name, or by `operation_id`. `openapi_extra` goes into the document as it is.
    """

    method: str
    path: str
    scope: str
    endpoint: Callable[[HotRequest[Any]], Awaitable[bytes | BaseModel]]
    summary: str
    body: type[BaseModel] | None = None
    answer: type[BaseModel] | None = None
    status: int = 200
    parse: bool = True
    optional: bool = False
    tags: tuple[str, ...] = ()
    errors: tuple[int, ...] = ()
    description: str = ""
    client: bool = False
    keyed: bool = False
    operation_id: str = ""
    openapi_extra: dict[str, Any] = field(default_factory=dict)

    @property
    def segments(self) -> tuple[str, ...]:
        """The parts of the path; `{name}` stands for a parameter."""
        return tuple(self.path.strip("/").split("/"))


Found = tuple[HotRoute, dict[str, str]]
_FOUND = "quanyu.hot_route"


class HotRouter:
    """Looks at the hot routes first and hands everything else to the application.

    `idempotent` wraps what honours no Idempotency-Key by itself: the application, and routes that are not `keyed`.
    """

    def __init__(
        self, app: ASGIApp, routes: Sequence[HotRoute], idempotent: Callable[[ASGIApp], ASGIApp] = lambda app: app
    ) -> None:
        self._app = app
        self._others = idempotent(self._serve_other)
        self._routes: dict[tuple[str, int], list[HotRoute]] = {}
        for route in routes:
            self._routes.setdefault((route.method, len(route.segments)), []).append(route)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI: a hot route answers itself, the rest goes on."""
        found = self._find(scope) if scope["type"] == "http" else None
        if found is not None:
            scope["quanyu.route"] = found[0].path
            if found[0].keyed:
                return await _serve(*found, scope, receive, send)
            scope[_FOUND] = found
        await self._others(scope, receive, send)

    def _find(self, scope: Scope) -> Found | None:
        segments = scope["path"].strip("/").split("/")
        for route in self._routes.get((scope["method"], len(segments)), ()):
            params = _match(route.segments, segments)
            if params is not None:
                return route, params
        return None

    async def _serve_other(self, scope: Scope, receive: Receive, send: Send) -> None:
        found: Found | None = scope.get(_FOUND)
        if found is None:
            return await self._app(scope, receive, send)
        await _serve(*found, scope, receive, send)


def _match(template: Sequence[str], segments: Sequence[str]) -> dict[str, str] | None:
    params = {}
    for wanted, given in zip(template, segments, strict=True):
        if wanted[0] == "{":
            params[wanted[1:-1]] = given
        elif wanted != given:
            return None
    return params


async def _serve(route: HotRoute, params: dict[str, str], scope: Scope, receive: Receive, send: Send) -> None:
    caller = required(scope, route.scope)
    if scope["query_string"]:
        refuse_query(scope["query_string"], {})
    raw = await read_body(receive)
    keys = header_values(scope) if route.keyed else None
    call = keyed_call(caller, keys, scope, raw) if keys else None
    if route.body is None:
        refuse_body(raw)
    body = None
    if route.parse and route.body is not None and not (route.optional and raw.strip() in _NOTHING):
        body = read_body_as(route.body, raw)
    request = HotRequest(caller, params, body, raw, scope, status=route.status, call=call)
    try:
        answer = await route.endpoint(request)
    except Replayed as earlier:
        return await earlier.answer.play(send, again=True)
    payload = answer if isinstance(answer, bytes) else answer.model_dump_json().encode()
    told = [(COST_HEADER, b"%d" % request.cost)] if request.cost > 1 else []
    if request.replayed:
        told.append((b"idempotent-replayed", b"true"))
    await respond(send, route.status, payload, headers=told)


def operation(route: HotRoute, reference: Callable[[type[BaseModel]], Mapping[str, Any]]) -> dict[str, Any]:
    """The route's OpenAPI operation; `reference` puts a model among the components and answers its `$ref`."""
    names = [part[1:-1] for part in route.segments if part[0] == "{"]
    answer: dict[str, Any] = {"description": "Success"}
    if route.answer is not None:
        answer["content"] = {"application/json": {"schema": reference(route.answer)}}
    result: dict[str, Any] = {
        "summary": route.summary,
        "operationId": route.operation_id or route.endpoint.__name__,
        "tags": list(route.tags),
        "parameters": [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names],
        "responses": {str(route.status): answer, **refusals(str(status) for status in route.errors)},
    }
    if route.description:
        result["description"] = route.description
    if route.body is not None:
        result["requestBody"] = {
            "required": not route.optional,
            "content": {"application/json": {"schema": reference(route.body)}},
        }
    return result | route.openapi_extra
