"""What the gateway lets through is what the parts serve, under the scope that they ask for; nothing of it runs in a thread."""

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from gateway.routes import ROUTES
from shared.clock import SystemClock
from shared.db import Database
from shared.messaging import LocalBus
from shared.service import Service
from suite.parts import PARTS, SERVICES
from suite.wiring import build


def _built(name: str, folder: Path) -> Service:
    return build(
        name, {"data_dir": folder}, LocalBus(Database(f"sqlite:///{folder}/bus.db", schema="bus"), SystemClock())
    )


@pytest.mark.parametrize("name", SERVICES)
def test_each_operation_of_a_service_is_let_through_with_its_scope_and_no_other(name: str, tmp_path: Path) -> None:
    served = {
        (method.upper(), path): operation.get("x-required-scope")
        for path, item in _built(name, tmp_path).app.openapi()["paths"].items()
        for method, operation in item.items()
    }
    assert served == {(route.method, route.template): route.scope for route in ROUTES if route.service == name}


@pytest.mark.parametrize("name", PARTS)
def test_no_endpoint_and_no_dependency_waits_for_a_thread(name: str, tmp_path: Path) -> None:
    part = _built(name, tmp_path)
    routes = [one for one in getattr(part, "admin", part.app).api.routes if isinstance(one, APIRoute)]
    assert len(routes) > 10
    assert [
        f"{route.path}: {call!r}" for route in routes for call in _calls(route.dependant) if not _on_the_loop(call)
    ] == []


def _calls(dependant: Dependant) -> Iterator[Callable[..., Any]]:
    if dependant.call is not None:
        yield dependant.call
    for one in dependant.dependencies:
        yield from _calls(one)


def _on_the_loop(call: Callable[..., Any]) -> bool:
    """FastAPI awaits it; whatever else is called, classes too, goes through the thread pool, which costs more than the call."""
    function = call if inspect.isroutine(call) else type(call).__call__
    return inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)
