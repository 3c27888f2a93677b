"""What supervisors, load balancers and Prometheus ask of a process, the same at every port of the suite.

    /livez, /healthz   the process answers                                   restart it when not
    /startupz          its parts run; asks no server                         give it time until then
    /readyz            it can do its own work; tells what is degraded        send it no calls while not
    /metrics           the figures of all parts in this process

Only `/readyz` depends on servers: a process that is restarted because its database is away is no better afterwards.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic_core import to_json
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from shared.figures import exposition
from shared.readiness import Standing, State, is_ready, members, troubles
from shared.remembered import Remembered
from shared.service import Service
from shared.web.asgi import respond, respond_problem
from shared.web.identity import DISTRUST, distrusts
from shared.web.problems import NotFound, Problem, Unavailable

_ALIVE = {"status": "ok"}


def answered(checks: Sequence[Standing]) -> dict[str, Any]:
    """The body of `/readyz` of a process that is ready. Raises Unavailable, with the same members, for one that is not."""
    if not is_ready(checks):
        reasons = [check.sentence for check in checks if check.prevents]
        raise Unavailable("not_ready", "; ".join(reasons), **members(checks))
    return {"status": "degraded" if troubles(checks) else "ready", **members(checks)}


def startup(parts: Sequence[Service]) -> dict[str, str]:
    """The body of `/startupz`. Raises Unavailable while a part does not run yet."""
    waiting = [part.name for part in parts if not part.started]
    if waiting:
        raise Unavailable("starting", f"{', '.join(waiting)}: not started yet.")
    return {"status": "started"}


def health_router() -> APIRouter:
    """The routes of a part's own application."""
    router = APIRouter(include_in_schema=False)

    @router.get("/healthz")
    @router.get("/livez")
    async def alive() -> dict[str, str]:
        """The process answers."""
        return _ALIVE

    @router.get("/startupz")
    async def started(request: Request) -> dict[str, str]:
        """The part runs."""
        return startup([request.app.state.service])

    @router.get("/readyz")
    async def ready(request: Request) -> dict[str, Any]:
        """The part can do its own work; 503 names what keeps it from that. `environment` keeps made-up data out of production."""
        service: Service = request.app.state.service
        checks = await service.readiness()
        if distrusts(request.scope):  # for this caller alone
            checks.append(
                Standing(service.name, "signature", State.DOWN, service.kit.clock.now(), DISTRUST, required=True)
            )
        return {**answered(checks), "environment": service.kit.settings.environment}

    @router.get("/metrics")
    async def metrics(request: Request) -> Response:
        return Response(await request.app.state.metrics.read(), media_type=CONTENT_TYPE_LATEST)

    return router


class HealthApp:
    """The same for a whole process, and nothing else: at the port of a worker, and at the port for Prometheus."""

    def __init__(self, parts: Sequence[Service], readiness: Callable[[], Awaitable[list[Standing]]]) -> None:
        """`parts` run in this process; `readiness` tells of all of them."""
        self.readiness = readiness
        self._parts = parts
        self._metrics = Remembered(exposition)

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """ASGI."""
        try:
            match scope.get("path"):
                case "/healthz" | "/livez":
                    await respond(send, 200, to_json(_ALIVE))
                case "/startupz":
                    await respond(send, 200, to_json(startup(self._parts)))
                case "/readyz":
                    await respond(send, 200, to_json(answered(await self.readiness())))
                case "/metrics":
                    await respond(send, 200, await self._metrics.read(), CONTENT_TYPE_LATEST)
                case _:
                    raise NotFound("not_found", "Only /livez, /readyz, /startupz and /metrics are answered here.")
        except Problem as problem:
            await respond_problem(send, problem, None)
