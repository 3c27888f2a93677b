"""Attacks 23 and 25 with processes: two that share a Redis, one that is killed, comes back empty, is full, may not be written."""

import asyncio
import json
import os
import shutil
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from kit.servers import REDIS_URL, require
from redis.asyncio import Redis
from redis.exceptions import RedisError

from gateway.limits.periods import Calendar
from gateway.limits.redis_store import RedisLimiter
from gateway.limits.store import Hit, MemoryLimiter
from gateway.policy import Policy
from shared.clock import ManualClock
from shared.zones import zone

ROOT = Path(__file__).parents[2]
WORKER = Path(__file__).with_name("limit_worker.py")


@asynccontextmanager
async def worker(
    url: str, prefix: str, seconds: float, manner: str, *limits: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process that has begun to ask."""
    command = (sys.executable, str(WORKER), url, prefix, str(seconds), manner, *limits)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, env=environment)
    try:
        assert process.stdout is not None
        assert await asyncio.wait_for(process.stdout.readline(), 30) == b"begun\n"
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def told(process: asyncio.subprocess.Process) -> dict[str, float]:
    output, _ = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 0, "an error reached a caller"
    answer: dict[str, float] = json.loads(output.splitlines()[-1])
    return answer


@pytest.mark.parametrize(("limits", "most"), [(("400,3600,50",), 51), (("100000,60,500", "120,day"), 120)])
async def test_attack_23_two_processes_on_one_redis_pass_the_burst_and_no_more(
    limits: tuple[str, ...], most: int
) -> None:
    require("redis")
    prefix = f"test:{uuid4()}:"
    async with (
        worker(REDIS_URL, prefix, 1.5, "patient", *limits) as one,
        worker(REDIS_URL, prefix, 1, "patient", *limits) as two,
    ):
        answers = await asyncio.gather(told(one), told(two))
    assert min(answer["calls"] for answer in answers) > 20, "both asked"
    assert most - 1 <= sum(answer["allowed"] for answer in answers) <= most
    async with Redis.from_url(REDIS_URL) as store:
        await store.delete(*[key async for key in store.scan_iter(prefix + "*")])


class OwnRedis:
    """A Redis of the test's own, to be killed and started again."""

    def __init__(self) -> None:
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            self.port = int(one.getsockname()[1])
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        command = ("redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no")
        self._process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.DEVNULL)
        async with Redis.from_url(self.url) as store, asyncio.timeout(10):
            while True:
                try:
                    await store.ping()
                    return
                except (OSError, RedisError):
                    await asyncio.sleep(0.02)

    async def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            await self._process.wait()
            self._process = None


@pytest.fixture
async def own_redis() -> AsyncIterator[OwnRedis]:
    if shutil.which("redis-server") is None:
        pytest.skip("needs redis-server, to kill one")
    one = OwnRedis()
    await one.start()
    yield one
    await one.kill()


async def test_attack_25_a_redis_killed_under_load_makes_no_room_and_no_error(own_redis: OwnRedis) -> None:
    limits = ("36000,3600,300", "320,day")  # three hundred at once, then ten a second
    async with (
        worker(own_redis.url, "test:", 4, "hasty", *limits) as one,
        worker(own_redis.url, "test:", 4, "hasty", *limits) as two,
    ):
        await asyncio.sleep(0.5)
        await own_redis.kill()
        await asyncio.sleep(0.5)
        await own_redis.start()  # and it has forgotten everything
        answers = await asyncio.gather(told(one), told(two))
    assert 100 < sum(answer["allowed"] for answer in answers) <= 450, "no more than one share beside the burst"
    assert all(answer["alone"] > 0 for answer in answers), "both noticed"
    assert all(answer["slowest"] < 1 for answer in answers)


async def test_attack_25_a_redis_that_is_full_or_read_only_is_none(own_redis: OwnRedis, clock: ManualClock) -> None:
    policy = Policy("key", 10, 3600)
    limiter = RedisLimiter(own_redis.url, MemoryLimiter(clock, Calendar(zone("Asia/Shanghai"))), "test:")

    async def allowed(calls: int) -> int:
        limiter._away_until = 0.0
        return sum([(await limiter.hit([Hit("bucket", policy)]))[0].allowed for _ in range(calls)])

    async with Redis.from_url(own_redis.url) as store:
        assert await allowed(3) == 3
        await store.config_set("maxmemory", "1")
        await store.config_set("maxmemory-policy", "noeviction")
        begun = time.monotonic()
        assert await allowed(3) == 3
        assert time.monotonic() - begun < 0.5
        await store.config_set("maxmemory", "0")
        await store.replicaof("127.0.0.1", 1)
        assert await allowed(2) == 2, "a replica may not be written"
        await store.replicaof("NO", "ONE")
        await store.script_flush()
        assert await allowed(9) == 2, "it knows what was counted meanwhile, and learns the script again"
        ttl = await store.pttl("test:bucket")
        assert 3_500_000 < ttl <= 3_601_000, "and forgets an idle bucket"
    await limiter.aclose()
