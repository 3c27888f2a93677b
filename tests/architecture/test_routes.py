"""What the gateway lets through is what the parts serve, under the scope that they ask for."""

from pathlib import Path

import pytest

from gateway.routes import ROUTES
from shared.clock import SystemClock
from shared.db import Database
from shared.messaging import LocalBus
from suite.parts import SERVICES
from suite.wiring import build


@pytest.mark.parametrize("name", SERVICES)
def test_each_operation_of_a_service_is_let_through_with_its_scope_and_no_other(name: str, tmp_path: Path) -> None:
    bus = LocalBus(Database(f"sqlite:///{tmp_path}/bus.db", schema="bus"), SystemClock())
    served = {
        (method.upper(), path): operation.get("x-required-scope")
        for path, item in build(name, {"data_dir": tmp_path}, bus).app.openapi()["paths"].items()
        for method, operation in item.items()
    }
    assert served == {(route.method, route.template): route.scope for route in ROUTES if route.service == name}
