"""Everybody wants the same thing at the same time, over real HTTP: never one too many, never one too few."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from kit import servers
from rich.console import Console
from scenarios.arrangements import RunningSuite
from scenarios.conftest import StartSuite

from bench.load import request, run
from suite.processes import WHOLE, Processes

pytestmark = pytest.mark.slow

STOCK = 1_000
CALLS = 5_000


def port_of(suite: RunningSuite) -> int:
    return int(suite.url.rsplit(":", 1)[1])


async def template(suite: RunningSuite, **limits: Any) -> str:
    body = {
        "name": "满300减50",
        "currency": "CNY",
        "benefit": {"kind": "amount_off", "amount": 5000},
        "threshold": {"amount": 30000},
        "validity": {"days_after_claim": 7},
        "limits": limits,
    }
    async with suite.client() as client:
        made: str = (await client.call("POST", "/v1/coupon-templates", body))["id"]
        return made


async def sound(suite: RunningSuite, audit: str) -> None:
    async with suite.client() as client:
        found = await client.call("GET", f"/v1/audit/{audit}")
    assert found["ok"], [check for check in found["checks"] if not check["ok"]]


@asynccontextmanager
async def replica(suite: RunningSuite, folder: Path) -> AsyncIterator[int]:
    """A second process of the same suite on the same servers; its port."""
    with (folder / "replica.log").open("w") as output:
        console = Console(file=output, width=400, color_system=None)
        processes = Processes(suite.environment, {WHOLE: servers.free_port()}, console, folder=folder)
        try:
            await processes.start(WHOLE)
            await processes.ready([WHOLE])
            yield processes.ports[WHOLE]
        finally:
            await processes.stop()


def requests(suite: RunningSuite, path: str, bodies: Sequence[dict[str, Any]]) -> list[bytes]:
    return [request("POST", path, suite.key, json.dumps(body).encode()) for body in bodies]


@pytest.mark.parametrize("kind", ["embedded", "one_process"])
async def test_five_thousand_want_a_thousand_coupons_and_a_thousand_units(start_suite: StartSuite, kind: str) -> None:
    async with start_suite(kind) as suite:
        wanted = await template(suite, total=STOCK, per_customer=1)
        path = f"/v1/coupon-templates/{wanted}/claims"
        work = requests(suite, path, [{"customer_id": f"c{number}"} for number in range(CALLS)])
        result = await run(port_of(suite), work, connections=128)
        assert result.statuses == {201: STOCK, 409: CALLS - STOCK}

        once = await template(suite, total=STOCK, per_customer=1)
        work = requests(suite, f"/v1/coupon-templates/{once}/claims", [{"customer_id": "one"}] * 50)
        result = await run(port_of(suite), work, connections=50)
        assert result.statuses == {201: 1, 409: 49}
        await sound(suite, "coupons")

        async with suite.client() as client:
            await client.call("POST", "/v1/locations", {"id": "wh", "name": "上海仓", "kind": "warehouse"})
            line = {"sku": "hot", "location_id": "wh", "change": STOCK}
            await client.call("POST", "/v1/stock/adjustments", {"lines": [line], "reason": "received"})
        lines = [{"sku": "hot", "quantity": 1}]
        bodies = [{"order_id": f"o{number}", "channel": "app", "lines": lines} for number in range(CALLS)]
        result = await run(port_of(suite), requests(suite, "/v1/reservations", bodies), connections=128)
        assert result.statuses == {201: STOCK, 409: CALLS - STOCK}
        await sound(suite, "stock")


async def test_two_processes_share_one_template_and_one_sku(start_suite: StartSuite, tmp_path: Path) -> None:
    """Two replicas of the whole suite on one PostgreSQL: the limits hold for both together."""
    async with start_suite("one_process") as suite, replica(suite, tmp_path) as second:
        ports = (port_of(suite), second)

        wanted = await template(suite, total=STOCK, per_customer=1)
        async with suite.client() as client:
            await client.call("POST", "/v1/locations", {"id": "wh", "name": "上海仓", "kind": "warehouse"})
            line = {"sku": "hot", "location_id": "wh", "change": STOCK}
            await client.call("POST", "/v1/stock/adjustments", {"lines": [line], "reason": "received"})
        for path, bodies in (
            (f"/v1/coupon-templates/{wanted}/claims", [{"customer_id": f"c{n}"} for n in range(3_000)]),
            (
                "/v1/reservations",
                [
                    {"order_id": f"o{n}", "channel": "app", "lines": [{"sku": "hot", "quantity": 1}]}
                    for n in range(3_000)
                ],
            ),
        ):
            work = requests(suite, path, bodies)
            halves = await asyncio.gather(run(ports[0], work[::2], 32), run(ports[1], work[1::2], 32))
            granted = sum(half.statuses[201] for half in halves)
            refused = sum(half.statuses[409] for half in halves)
            assert (granted, refused) == (STOCK, 2_000)
        await sound(suite, "coupons")
        await sound(suite, "stock")
