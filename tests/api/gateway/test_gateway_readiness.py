"""A gateway is ready when it can do its own work: what stands behind it in other processes is told, and turns nobody away."""

import asyncio
import time
from typing import Any

import pytest
from kit.servers import free_port
from kit.serving import serving
from kit.upstream import FakePart, RawServer, answer
from pydantic import SecretStr

from gateway.forwarding.embedded import AsgiForwarder
from gateway.forwarding.port import Forwarder
from gateway.forwarding.upstreams import http_upstreams
from gateway.settings import GatewaySettings
from shared.clock import ManualClock

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)  # no database takes part
SINCE = "2026-01-02T03:04:05Z"


class Told(FakePart):
    """A part whose /readyz says this."""

    def __init__(self, status: int, state: str, required: bool) -> None:
        super().__init__()
        told = {"part": "coupon", "check": "database", "state": state, "since": SINCE, "detail": "…"}
        self._answer = status, {"checks": [], "parts": [{**told, "required": required}]}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/readyz":
            return await answer(send, *self._answer)
        await super().__call__(scope, receive, send)


def behind(clock: ManualClock, **urls: Any) -> dict[str, Forwarder]:
    return http_upstreams(GatewaySettings(internal_secret=SecretStr("a-secret-of-the-tests"), **urls), clock)


async def test_one_service_of_two_is_down(run_gateway: Any, clock: ManualClock) -> None:
    """What a service says of itself is passed on with its own time, and is not required for the gateway's work."""
    async with serving(Told(503, "down", True)) as coupon, serving(FakePart()) as segments:
        suite = await run_gateway(behind(clock, coupon_url=coupon, segments_url=segments))
        ready = await suite.client(None).get("/readyz")
        assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
        (told,) = [one for one in ready.json()["parts"] if (one["part"], one["check"]) == ("coupon", "database")]
        assert (told["state"], told["required"], told["since"]) == ("down", False, SINCE)


@pytest.mark.parametrize(("state", "status"), [("down", 503), ("degraded", 200)])
async def test_a_part_of_this_process_is_its_own_work(run_gateway: Any, state: str, status: int) -> None:
    suite = await run_gateway({"coupon": AsgiForwarder(Told(status, state, True))})
    assert (await suite.client(None).get("/readyz")).status_code == status


async def test_a_service_that_hangs_does_not_make_the_gateways_answer_late(
    run_gateway: Any, clock: ManualClock
) -> None:
    """A load balancer that waits a second for its answer would turn away from every gateway at once."""

    async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        while await reader.read(4096):
            pass

    async with RawServer(silent).running() as server:
        suite = await run_gateway(behind(clock, coupon_url=server.url))
        for expected in ("ready", "degraded"):  # nothing is known of it yet; then its deadline is over
            began = time.monotonic()
            ready = await suite.client(None).get("/readyz")
            assert (ready.status_code, time.monotonic() - began < 1) == (200, True)
            assert ready.json()["status"] == expected
            await asyncio.sleep(3.1 if expected == "ready" else 0)
        assert ready.json()["checks"] == ["coupon: gives no answer in time"]


async def test_without_redis_each_gateway_counts_and_says_so(run_gateway: Any) -> None:
    suite = await run_gateway(redis_url=SecretStr(f"redis://127.0.0.1:{free_port()}/0"))
    ready = await suite.client(None).get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
    assert ready.json()["checks"] == [
        "gateway: Redis does not answer or takes no writes: each gateway counts its share of the rate limits by itself"
    ]
    metrics = (await suite.client(None).get("/metrics")).text
    assert 'quanyu_check_state{check="limits",service="gateway"} 1.0' in metrics
