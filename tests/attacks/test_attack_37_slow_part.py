"""Attacks 37, 39 and 41 on the way to a part in another process: it hangs, under more calls than it can take; or callers do, in
the middle of their bodies. Everybody else is answered as in peace.
"""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx
import pytest
from conftest import RunService
from kit.gateway import ADMIN_KEY, Suite
from kit.services import INTERNAL_SECRET
from kit.serving import serving
from kit.upstream import FakePart, RawServer, read_request

from gateway.app import Gateway, create_gateway
from gateway.forwarding.upstreams import http_upstreams
from gateway.settings import GatewaySettings
from shared.clock import Clock
from shared.messaging import Bus

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)  # no row decides any of this

CONNECTIONS, WAITING, CALLS = 20, 20, 400


class HangingPart:
    """Takes requests, and answers nothing until `release` is set."""

    def __init__(self) -> None:
        self.release = asyncio.Event()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        await self.release.wait()
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
        await writer.drain()


@pytest.fixture
async def beside(run_service: RunService) -> AsyncIterator[tuple[Suite, HangingPart]]:
    """A gateway before coupon, which hangs, and segments, which does not."""
    hanging = HangingPart()
    async with AsyncExitStack() as stack:
        settings = GatewaySettings(
            coupon_url=(await stack.enter_async_context(RawServer(hanging).running())).url,
            segments_url=await stack.enter_async_context(serving(FakePart())),
            internal_secret=INTERNAL_SECRET,
            upstream_connections=CONNECTIONS,
            upstream_waiting=WAITING,
        )

        def create(own: GatewaySettings, bus: Bus, clock: Clock) -> Gateway:
            return create_gateway(own, bus, clock, http_upstreams(settings, clock))

        suite = Suite(await run_service(create, GatewaySettings, admin_key=ADMIN_KEY), {})
        yield suite, hanging
        hanging.release.set()
        for client in suite.clients:
            await client.aclose()


async def median(client: httpx.AsyncClient) -> float:
    taken = []
    for _ in range(100):
        began = time.perf_counter()
        assert (await client.get("/v1/segments")).status_code == 200
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


async def test_attack_37_a_part_that_hangs_leaves_the_others_alone(beside: tuple[Suite, HangingPart]) -> None:
    suite, hanging = beside
    client = suite.client()
    peace = await median(client)
    calls = [asyncio.create_task(client.get("/v1/coupons")) for _ in range(CALLS)]
    await asyncio.sleep(0.1)
    attacked = await median(client)
    assert attacked < 5 * peace + 0.05
    refused = [call.result() for call in calls if call.done()]
    assert len(refused) == CALLS - CONNECTIONS - WAITING
    assert {(answer.status_code, answer.json()["code"]) for answer in refused} == {(503, "upstream_busy")}
    assert {answer.headers["retry-after"] for answer in refused} == {"1"}
    hanging.release.set()
    answers = await asyncio.gather(*calls)
    assert [answer.status_code for answer in answers].count(200) == CONNECTIONS + WAITING, "what was taken is answered"


async def test_attack_39_who_sends_slowly_holds_no_connection_to_the_part(beside: tuple[Suite, HangingPart]) -> None:
    """One key with a hundred half-sent bodies took all connections to a part, and its merchant's calls waited 1.8 s each."""
    suite, _ = beside
    client, whole = suite.client(), asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield b'{"name": '
        await whole.wait()
        yield b'"x"}'

    peace = await median(client)
    slow = [asyncio.create_task(client.post("/v1/segments", content=slowly())) for _ in range(CONNECTIONS + WAITING)]
    await asyncio.sleep(0.1)
    assert await median(client) < 5 * peace + 0.05
    whole.set()
    answers = await asyncio.gather(*slow)
    assert {(answer.status_code, answer.json()["bytes"]) for answer in answers} == {(200, 13)}
