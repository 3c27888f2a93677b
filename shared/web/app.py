"""The web factory: what every part's application has in common, in one place."""

import asyncio
import hashlib
import json
import math
import warnings
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, FastAPI, Response
from fastapi.exceptions import RequestValidationError
from pydantic.warnings import UnsupportedFieldAttributeWarning
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.figures import exposition
from shared.remembered import Remembered
from shared.service import Kit
from shared.version import VERSION
from shared.web.health import health_router
from shared.web.hot import HotRoute, HotRouter
from shared.web.idempotency import IdempotencyMiddleware
from shared.web.identity import IdentityMiddleware
from shared.web.lanes import Lanes
from shared.web.openapi import build
from shared.web.problems import MEDIA_TYPE, NotFound, Problem, from_validation, to_problem
from shared.web.requests import REQUEST_ID, RequestMiddleware
from shared.web.walls import walled

# FastAPI says so of the field that it makes for a body, and silences it while it does; ours are completed later.
warnings.filterwarnings("ignore", "The 'alias' attribute with value", UnsupportedFieldAttributeWarning)

_MOST_LISTS = 500
"""Lists of one owner that may wait; more are told to come again."""


class PartApp:
    """One part's web application: layers of pure ASGI around hot routes and FastAPI routes."""

    def __init__(self, kit: Kit, api: FastAPI, hot_routes: Sequence[HotRoute]) -> None:
        self.api = api
        self.state = api.state
        self._hot_routes = hot_routes
        self._document: dict[str, Any] | None = None
        api.state.document = Remembered(self._written, math.inf)
        api.state.metrics = Remembered(exposition)
        records = kit.metadata.tables["idempotency"]
        layers: ASGIApp = HotRouter(api, hot_routes, lambda app: IdempotencyMiddleware(app, kit.db, kit.clock, records))
        layers = IdentityMiddleware(_HeadIsGet(layers), kit.secret, kit.clock)
        self._layers = RequestMiddleware(layers, kit.name, kit.settings.request_seconds)
        api.openapi = self.openapi  # type: ignore[method-assign] # FastAPI's documented way to extend it

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI 3.1 document of this part, hot routes included."""
        if self._document is None:
            self._document = build(self.api, self._hot_routes)
        return self._document

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI: through all layers."""
        await self._layers(scope, receive, send)

    async def _written(self) -> bytes:
        # In a thread: a large part's document takes seconds of processor time, for which everybody would wait.
        return await asyncio.to_thread(lambda: json.dumps(self.openapi(), ensure_ascii=False).encode())


class _HeadIsGet:
    """Behind this HEAD is GET: the same answer with the same length, whose body goes no further than `RequestMiddleware`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "HEAD":
            scope["method"] = "GET"
        await self._app(scope, receive, send)


_HEALTH, _DOCUMENT = health_router(), APIRouter(include_in_schema=False)


@_DOCUMENT.get("/openapi.json")
async def _document(request: Request) -> Response:
    return Response(await request.app.state.document.read(), media_type="application/json")


def create_app(
    kit: Kit,
    routers: Sequence[APIRouter] = (),
    provides: Sequence[object] = (),
    hot_routes: Sequence[HotRoute] = (),
    title: str | None = None,
    description: str = "",
) -> PartApp:
    """The application of one part. `provides` are the use cases that routes ask for with `Provided(Kind)`."""
    api = FastAPI(
        # The routes themselves, as their decorators prepared them when the module was read. `include_router` would prepare
        # each of them once more for this application: seconds of processor time at the first request of a large part.
        routes=[walled(route) for router in (_HEALTH, _DOCUMENT, *routers) for route in router.routes],
        title=title or f"Quanyu {kit.name}",
        version=VERSION,
        description=description,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,  # its bytes are kept: see `_document`
        exception_handlers={
            Exception: _reraise,
            Problem: _on_problem,
            HTTPException: _on_http_exception,
            RequestValidationError: _on_validation,
        },
    )
    api.state.cursor_secret = hashlib.sha256(b"cursor:" + kit.secret.encode()).digest()
    readers = kit.db.readers
    api.state.lists = Lanes(at_once=max(2, readers * 2 // 3), each=max(1, readers // 3), waiting=_MOST_LISTS)
    api.state.provided = {type(one): one for one in provides}
    return PartApp(kit, api, hot_routes)


def _answer(request: Request, problem: Problem) -> Response:
    return Response(problem.body(request.scope.get(REQUEST_ID)), problem.status, problem.headers, MEDIA_TYPE)


async def _reraise(_request: Request, error: Exception) -> Response:
    raise error  # the outermost layer tells outages from bugs and answers


async def _on_problem(request: Request, error: Exception) -> Response:
    problem = to_problem(error)
    return _answer(request, problem or Problem("internal_error", "Something failed on our side."))


async def _on_http_exception(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    if error.status_code == 404:
        return _answer(request, NotFound("not_found", "There is nothing at this path. The paths are listed at /docs."))
    if error.status_code == 405:
        detail = "This path does not know that method; the Allow header names the ones it knows."
        known = (error.headers or {}).get("Allow", "").split(", ")
        allow = ", ".join(sorted({*known, "HEAD"} if "GET" in known else known))
        return _answer(request, Problem("method_not_allowed", detail, status=405, headers={"Allow": allow}))
    if error.status_code == 400:
        return _answer(
            request, Problem("malformed_body", "The body could not be read. Send JSON in UTF-8.", status=400)
        )
    return _answer(request, Problem("http_error", str(error.detail), status=error.status_code, headers=error.headers))


async def _on_validation(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    return _answer(request, from_validation(error.errors(), error.body))
