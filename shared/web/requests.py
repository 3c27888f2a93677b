"""The outermost layer of a part's web application: request id, cause, metrics, and a problem document for every failure."""

import time
from functools import lru_cache

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.deadline import within
from shared.ids import new_id
from shared.observability.context import Cause, current_cause
from shared.observability.logging import get_logger
from shared.observability.metrics import REQUEST_SECONDS
from shared.observability.tracing import span
from shared.web.asgi import STREAM, ClientGone, header, is_stream, respond_problem
from shared.web.problems import to_problem, unexpected

REQUEST_ID = "quanyu.request_id"
DEADLINE = b"x-quanyu-deadline-ms"
"""A gateway of its own says how long it will wait for the head of the answer."""


def request_id_of(scope: Scope) -> str:
    """The request's id: what the gateway gave it, or a plain one of the caller's, or a new one."""
    given: str | None = scope.get(REQUEST_ID) or header(scope, b"x-request-id")
    if given and len(given) <= 100 and given.isascii() and given.replace("-", "").replace("_", "").isalnum():
        return given
    return new_id("req")


def route_of(scope: Scope) -> str:
    """The path template, for metrics and logs; never the raw path."""
    route = scope.get("quanyu.route") or getattr(scope.get("route"), "path", None)
    return str(route) if route else "unmatched"


def _allowed(scope: Scope, most: float) -> float:
    """Seconds that the request may wait: what the gateway left of its own deadline, `most` at most."""
    given = header(scope, DEADLINE)
    return min(int(given) / 1000, most) if given and len(given) < 9 and given.isascii() and given.isdigit() else most


class RequestMiddleware:
    """Wraps everything else of one part."""

    def __init__(self, app: ASGIApp, service: str, seconds: float) -> None:
        """`seconds`: what a request may wait in all."""
        self._app = app
        self._seconds = seconds
        self._service = service
        self._log = get_logger(service=service)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI: every request has an id, a span, a line in the log and an answer. Of an answer to HEAD the body stays here."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        request_id = scope[REQUEST_ID] = request_id_of(scope)
        started = time.perf_counter()
        status, head = 0, scope["method"] == "HEAD"

        async def tell(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                deadline.lift()
                scope[STREAM] = is_stream(message.get("headers", ()))
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", request_id.encode())]
            elif head:
                message = {**message, "body": b""}
            await send(message)

        with (
            within(_allowed(scope, self._seconds)) as deadline,
            span(f"{scope['method']} {self._service}", header(scope, b"traceparent")) as traceparent,
        ):
            token = current_cause.set(Cause(request_id, None, traceparent))
            try:
                await self._app(scope, receive, tell)
            except ClientGone:
                status = 499
            except Exception as error:
                problem = to_problem(error)
                if problem is None:
                    self._log.exception(
                        "request failed", request_id=request_id, method=scope["method"], route=route_of(scope)
                    )
                    problem = unexpected()
                if status:
                    raise  # the answer had begun; the server cuts the connection, which is the truth
                await respond_problem(tell, problem, request_id)
            finally:
                current_cause.reset(token)
        seconds = time.perf_counter() - started
        _seconds(self._service, scope["method"], route_of(scope), str(status)).observe(seconds)


_seconds = lru_cache(maxsize=4096)(REQUEST_SECONDS.labels)
