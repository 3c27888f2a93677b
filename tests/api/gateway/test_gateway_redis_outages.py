"""A Redis that is silent, full, read-only, loading or can't save: calls go on at once, within the limits, and counting later.

Played after public reports: redis-py #722 and #2243 (a call that waits for ever on a dead connection), #508 (half-closed
connections), alphagov/notifications-utils #1279 (connections that stay with what is a replica after a failover).
"""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from api.gateway.keykit import THING
from kit.gateway import Suite
from kit.proxy import TcpProxy
from kit.redis_server import OwnRedis, own_redis

from gateway.metrics import LIMIT_STORE_FAILURES
from shared.readiness import troubles

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)  # see test_gateway_proxy.py
QUOTA = 200


@pytest.fixture
async def redis(tmp_path: Path) -> AsyncIterator[OwnRedis]:
    async with own_redis(tmp_path / "redis") as found:
        yield found


@pytest.fixture
async def proxy(redis: OwnRedis) -> AsyncIterator[TcpProxy]:
    found = TcpProxy("127.0.0.1", redis.port)
    await found.start()
    yield found
    await found.cut()


@pytest.fixture
async def suite(run_gateway: Any, proxy: TcpProxy) -> Suite:
    found: Suite = await run_gateway(redis_url=f"redis://127.0.0.1:{proxy.port}/0")
    return found


@pytest.fixture
async def client(suite: Suite) -> httpx.AsyncClient:
    key = await suite.key(**THING, limits={"requests": QUOTA, "window_seconds": 3600})
    return suite.client(key)


def _waits() -> float:
    return float(LIMIT_STORE_FAILURES._value.get())


async def _left(client: httpx.AsyncClient) -> int:
    """Makes a call; answers how many are left."""
    answer = await client.get("/v1/things/1")
    assert answer.status_code == 200, answer.text
    return int(answer.headers["ratelimit"].split("r=")[1].split(";")[0])


async def _go_on(suite: Suite, client: httpx.AsyncClient) -> None:
    """Calls are counted here, for one that waited each second at most; and readiness says so."""
    before, started = _waits(), time.monotonic()
    left = [await _left(client) for _ in range(20)]
    assert left == list(range(left[0], left[0] - 20, -1)), "none is free, none counted twice"
    waited, seconds = _waits() - before, time.monotonic() - started
    assert waited <= 2 + seconds, "one waits for all"
    assert "Redis" in " ".join(await _troubles(suite))


async def _troubles(suite: Suite) -> list[str]:
    await asyncio.sleep(1.1)  # what was found is believed for a second
    return troubles(await suite.gateway.readiness())


async def _counts_again(suite: Suite, client: httpx.AsyncClient, redis: OwnRedis) -> None:
    """It is found by itself, and told what was counted meanwhile."""
    async with asyncio.timeout(10):
        while True:
            await redis.do("FLUSHALL")
            left = await _left(client)
            if [key for key in await redis.do("KEYS", "*") if not key.endswith(b"look")]:
                break
            await asyncio.sleep(0.1)
    assert left < QUOTA - 20
    assert await _troubles(suite) == []


@pytest.mark.parametrize("new", [True, False], ids=["all", "old connections only"])
async def test_a_silent_redis(
    suite: Suite, client: httpx.AsyncClient, proxy: TcpProxy, redis: OwnRedis, new: bool
) -> None:
    await asyncio.gather(*(_left(client) for _ in range(10)))
    proxy.fall_silent(new=new)
    started = time.monotonic()
    await asyncio.gather(*(_left(client) for _ in range(30)))
    assert time.monotonic() - started < 2.5, "they wait together, 50 ms"
    if new:
        await _go_on(suite, client)
        proxy.speak()
    else:
        await asyncio.gather(*(_left(client) for _ in range(10)))
    await _counts_again(suite, client, redis)


async def test_a_redis_whose_connections_break_again_and_again(
    suite: Suite, client: httpx.AsyncClient, proxy: TcpProxy, redis: OwnRedis
) -> None:
    left = []
    for _ in range(30):
        left.append(await _left(client))
        await proxy.drop_connections()
    assert left == list(range(QUOTA - 1, QUOTA - 31, -1))
    await _counts_again(suite, client, redis)


async def test_a_redis_that_is_silent_at_the_end_holds_nobody_up(run_gateway: Any, proxy: TcpProxy) -> None:
    suite = await run_gateway(redis_url=f"redis://127.0.0.1:{proxy.port}/0")
    await asyncio.gather(*(_left(suite.client()) for _ in range(10)))
    proxy.fall_silent()
    started = time.monotonic()
    async with suite.gateway.limits._open():
        pass
    assert time.monotonic() - started < 3


async def test_a_full_redis(suite: Suite, client: httpx.AsyncClient, redis: OwnRedis) -> None:
    await _left(client)
    await redis.do("CONFIG", "SET", "maxmemory", "1")
    await _go_on(suite, client)
    await redis.do("CONFIG", "SET", "maxmemory", "0")
    await _counts_again(suite, client, redis)


async def test_a_redis_that_can_not_save(
    suite: Suite, client: httpx.AsyncClient, redis: OwnRedis, tmp_path: Path
) -> None:
    await _left(client)
    await redis.do("CONFIG", "SET", "save", "3600 1000000")
    shutil.rmtree(tmp_path / "redis")
    await redis.do("BGSAVE")
    async with asyncio.timeout(10):
        while (await redis.do("INFO", "persistence"))["rdb_last_bgsave_status"] == "ok":  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.05)
    await _go_on(suite, client)
    await redis.do("CONFIG", "SET", "stop-writes-on-bgsave-error", "no")
    await _counts_again(suite, client, redis)


async def test_a_redis_that_forgot_its_scripts(suite: Suite, client: httpx.AsyncClient, redis: OwnRedis) -> None:
    before = _waits()
    first = await _left(client)
    await redis.do("SCRIPT", "FLUSH")
    assert await _left(client) == first - 1
    assert _waits() == before, "it is sent once more"


async def test_a_redis_that_loads_its_data(suite: Suite, client: httpx.AsyncClient, redis: OwnRedis) -> None:
    await _left(client)
    await redis.do("DEBUG", "POPULATE", "3000")
    await redis.do("CONFIG", "SET", "key-load-delay", "1000")
    await redis.do("CONFIG", "SET", "loading-process-events-interval-bytes", "1024")
    loading = asyncio.create_task(redis.do("DEBUG", "RELOAD"))
    await asyncio.sleep(0.3)
    await _go_on(suite, client)
    await loading
    await redis.do("CONFIG", "SET", "key-load-delay", "0")
    await _counts_again(suite, client, redis)


async def test_after_a_failover_the_new_master_is_found(
    suite: Suite, client: httpx.AsyncClient, proxy: TcpProxy, redis: OwnRedis, tmp_path: Path
) -> None:
    """The name leads to the new one; the connections that are open lead to the old one, a replica now, which refuses writes."""
    await asyncio.gather(*(_left(client) for _ in range(10)))
    async with own_redis(tmp_path / "other") as other:
        await redis.do("REPLICAOF", "127.0.0.1", str(other.port))
        await _go_on(suite, client)
        proxy.lead_to("127.0.0.1", other.port)
        await _counts_again(suite, client, other)
