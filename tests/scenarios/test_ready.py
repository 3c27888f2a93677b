"""Real processes whose servers and neighbours go away: who can do its own work stays ready, and says what is worse."""

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import urlsplit

import httpx
import pytest
from kit import servers
from kit.proxy import TcpProxy
from rich.console import Console
from scenarios.arrangements import SPLIT, WORKER, RunningSuite
from scenarios.conftest import StartSuite

from suite.client import Client, NotRunning, Problem
from suite.parts import PARTS
from suite.processes import Processes, free_port

pytestmark = pytest.mark.slow
TEMPLATE = {"name": "券", "benefit": {"kind": "amount_off", "amount": 500}}


@asynccontextmanager
async def before(url: str, port: int) -> AsyncIterator[tuple[TcpProxy, str]]:
    """A proxy before the server at `url`, and the URL by which it is reached."""
    parts = urlsplit(url)
    proxy = TcpProxy(parts.hostname or "127.0.0.1", parts.port or port)
    await proxy.start()
    try:
        yield proxy, url.replace(parts.netloc.rpartition("@")[2], f"127.0.0.1:{proxy.port}")
    finally:
        await proxy.cut()


async def until_is(client: Client, part: str, check: str, state: str) -> None:
    """Wait until /readyz says this of a check; it answers 200 all the time."""
    for _ in range(300):
        status, told = await client.status("/readyz")
        assert status == 200, told
        if any((one["part"], one["check"], one["state"]) == (part, check, state) for one in told["parts"]):
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"not seen in 30 s: {check} of {part} is {state}")


@asynccontextmanager
async def second_gateway(suite: RunningSuite) -> AsyncIterator[Client]:
    """One more gateway before the same services."""
    with (suite.log.parent / "second.log").open("w") as output:
        ports = {**suite.processes.ports, "gateway": free_port()}
        environment = {**suite.environment, "QUANYU_METRICS_PORT": ""}
        processes = Processes(environment, ports, Console(file=output, width=400), folder=suite.log.parent)
        await processes.start("gateway")
        try:
            await processes.ready(["gateway"])
            async with Client(processes.url_of("gateway"), suite.key) as client:
                yield client
        finally:
            await processes.stop()


async def figures(port: int) -> str:
    async with httpx.AsyncClient(timeout=10) as client:
        return (await client.get(f"http://127.0.0.1:{port}/metrics")).text


async def statuses(client: Client, paths: Iterable[str]) -> dict[str, int]:
    return {path: (await client.status(path))[0] for path in paths}


async def test_servers_and_neighbours_go_away(start_suite: StartSuite) -> None:
    """RabbitMQ and Redis away: all calls are accepted and both gateways ready. One service away: its calls alone get 503."""
    servers.require("redis")
    async with AsyncExitStack() as stack:
        rabbit, broker_url = await stack.enter_async_context(before(servers.BROKER_URL, 5672))
        redis, redis_url = await stack.enter_async_context(before(servers.REDIS_URL, 6379))
        first = free_port()
        there = {"QUANYU_BROKER_URL": broker_url, "QUANYU_REDIS_URL": redis_url, "QUANYU_METRICS_PORT": str(first)}
        suite = await stack.enter_async_context(start_suite("each_alone", **there))
        doors = [await stack.enter_async_context(suite.client())]
        doors.append(await stack.enter_async_context(second_gateway(suite)))
        template = (await doors[0].post("/v1/coupon-templates", TEMPLATE))["id"]

        await rabbit.cut()
        await redis.cut()
        for door in doors:
            await until_is(door, "gateway", "bus", "degraded")
            await until_is(door, "coupon", "bus", "degraded")
            await until_is(door, "gateway", "limits", "degraded")
        async with asyncio.timeout(60):
            for number in range(40):
                await doors[number % 2].post(f"/v1/coupon-templates/{template}/claims", {"customer_id": f"c{number}"})
                assert (await doors[number % 2].status("/readyz"))[0] == 200
        assert 'quanyu_check_state{check="bus",service="gateway"} 1.0' in await figures(first)
        coupon = await figures(first + len(PARTS) - 1)
        assert re.search(r'^quanyu_outbox_waiting{service="coupon"} [1-9]', coupon, re.MULTILINE)
        assert "quanyu_queue_parked{" not in coupon, "the broker can't be asked: neither nought nor the last number"
        await rabbit.start()
        await redis.start()
        for door in doors:
            await until_is(door, "gateway", "bus", "ok")
            await until_is(door, "gateway", "limits", "ok")

        await suite.processes.kill("coupon")
        paths = ("/readyz", "/v1/coupon-templates?limit=1", "/v1/segments?limit=1")
        for door in doors:
            await until_is(door, "coupon", "service", "down")
            assert await statuses(door, paths) == dict(zip(paths, (200, 503, 200), strict=True))
        await suite.processes.start("coupon")
        for door in doors:
            await until_is(door, "coupon", "service", "ok")


@pytest.mark.parametrize("kind", [SPLIT])
async def test_a_worker_that_is_started_again_takes_no_call_away(start_suite: StartSuite, kind: str) -> None:
    """And at the end: not ready, while calls go on, then closed."""
    async with start_suite(kind, QUANYU_DRAIN_SECONDS="2") as suite, suite.client() as client:
        check = "gateway", "worker process"
        await until_is(client, *check, "ok")
        await suite.kill_and_restart(WORKER)
        await until_is(client, *check, "degraded")
        await client.post("/v1/coupon-templates", TEMPLATE)
        await until_is(client, *check, "ok")
        assert (await client.status("/readyz"))[1]["status"] == "ready"

        (process,) = suite.processes.running.values()
        os.kill(process.child.pid, signal.SIGTERM)

        await asyncio.sleep(0.5)
        assert await statuses(client, ("/readyz", "/livez", "/v1/coupon-templates?limit=1")) == {
            "/readyz": 503,
            "/livez": 200,
            "/v1/coupon-templates?limit=1": 200,
        }
        with pytest.raises((NotRunning, Problem)):
            while True:
                await client.get("/v1/coupon-templates?limit=1")
                await asyncio.sleep(0.05)
        await asyncio.wait_for(process.child.wait(), 40)
