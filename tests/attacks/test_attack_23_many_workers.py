"""Attacks 23 and 25: many workers at once, no Redis, a slow one, a dead one, one that lost its memory; clocks that jump."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import uuid4

import pytest
import structlog
from attacks.conftest import Replica
from kit.gateway import Suite
from kit.servers import REDIS_URL, require
from kit.upstream import RawServer
from redis.asyncio import Redis
from structlog.testing import LogCapture, capture_logs

from gateway.limits.periods import Calendar
from gateway.limits.redis_store import RedisLimiter
from gateway.limits.store import Hit, MemoryLimiter
from gateway.policy import Policy
from shared.clock import ManualClock
from shared.observability.outages import Outage
from shared.zones import zone

NO_DATABASE = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
HOUR = 3600.0


async def passed(suites: list[Suite], key: str, calls: int) -> int:
    """How many of so many calls at once the replicas together let through."""
    clients = [suite.client(key) for suite in suites]
    answers = await asyncio.gather(*(clients[n % len(clients)].get("/v1/coupons") for n in range(calls)))
    assert {answer.status_code for answer in answers} <= {200, 429}
    return sum(answer.status_code == 200 for answer in answers)


@pytest.mark.parametrize("replicas", [1, 2, 3])
async def test_attack_23_replicas_without_a_redis_never_exceed_the_limit_together(
    replica: Replica, clock: ManualClock, replicas: int
) -> None:
    suites = [await replica() for _ in range(replicas)]
    key = await suites[0].key(
        kind="restricted", scopes=["coupon:coupons:read"], limits={"requests": 12, "window_seconds": 60}
    )
    for suite in suites:
        await suite.gateway.limits.replicas.count()
    assert await passed(suites, key, 60) == 12
    clock.advance(seconds=30)
    assert await passed(suites, key, 60) == 6, "nothing doubles at an edge"
    clock.advance(seconds=30)
    assert await passed(suites, key, 60) == 6


@NO_DATABASE
async def test_attack_23_that_limits_are_divided_is_said_and_ends_with_the_other_replica(
    replica: Replica, clock: ManualClock
) -> None:
    first = await replica()
    key = await first.key(
        kind="restricted", scopes=["coupon:coupons:read"], limits={"requests": 12, "window_seconds": 60}
    )
    with capture_logs() as lines:
        second = await replica()
    assert [line["replicas"] for line in lines if "QUANYU_REDIS_URL" in line["event"]] == [2]
    await first.gateway.limits.replicas.count()
    assert await passed([first, second], key, 30) == 12
    clock.advance(seconds=120)  # the second says nothing any more
    await first.gateway.limits.replicas.count()
    assert await passed([first], key, 30) == 12


@NO_DATABASE
async def test_attack_25_a_clock_that_jumps_locks_nobody_out_and_breaks_nothing(
    replica: Replica, clock: ManualClock
) -> None:
    suite = await replica()
    key = await suite.key(
        kind="restricted", scopes=["coupon:coupons:read"], limits={"requests": 4, "window_seconds": 60}
    )
    assert await passed([suite], key, 9) == 4
    for jump in (timedelta(days=-400), timedelta(days=800), timedelta(hours=-1)):
        clock.advance(jump)
        assert await passed([suite], key, 9) <= 4
        clock.advance(seconds=15)
        assert await passed([suite], key, 1) == 1, "the next is due after its spacing, as ever"
        assert (await suite.client("qy_live_sk_wrong").get("/v1/coupons")).status_code == 401
        clock.advance(seconds=61)
        assert await passed([suite], key, 9) == 4


class Redirect:
    """A Redis that can be made slow, and killed: a door in front of the real one."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.open.set()
        self.url = ""

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Redirect"]:
        server = RawServer(self._serve)
        async with server.running():
            self.url = f"redis://127.0.0.1:{server.port}/9"
            yield self

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, port = REDIS_URL.split("//")[1].split("/")[0].split(":")
        theirs, ours = await asyncio.open_connection(host, int(port))
        try:
            await asyncio.gather(self._pump(reader, ours), self._pump(theirs, writer))
        finally:
            ours.close()

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            await self.open.wait()
            target.write(data)
            await target.drain()
        target.close()


@pytest.fixture
async def redis() -> AsyncIterator[Redirect]:
    require("redis")
    async with Redirect().running() as running:
        yield running


def limiter(redis: Redirect, clock: ManualClock, prefix: str, replicas: int = 1) -> RedisLimiter:
    understudy = MemoryLimiter(clock, Calendar(zone("Asia/Shanghai")))
    understudy.replicas = replicas
    return RedisLimiter(redis.url, understudy, prefix)


async def allowed(limits: RedisLimiter, policy: Policy, calls: int) -> int:
    return sum([(await limits.hit([Hit("bucket", policy)]))[0].allowed for _ in range(calls)])


async def test_attack_25_a_slow_redis_goes_on_from_what_it_said_last(redis: Redirect, clock: ManualClock) -> None:
    limits = limiter(redis, clock, f"test:{uuid4()}:")
    policy = Policy("key", 10, HOUR)
    assert await allowed(limits, policy, 7) == 7
    redis.open.clear()
    assert await allowed(limits, policy, 20) == 3, "not from zero"
    redis.open.set()
    limits._away_until = 0.0
    assert await allowed(limits, policy, 5) == 0, "and Redis knows what was counted meanwhile"
    await limits.aclose()


async def test_attack_25_a_redis_that_was_killed_and_lost_everything_goes_on_too(
    redis: Redirect, clock: ManualClock
) -> None:
    prefix = f"test:{uuid4()}:"
    limits = limiter(redis, clock, prefix)
    policy = Policy("key", 10, HOUR)
    assert await allowed(limits, policy, 7) == 7
    async with Redis.from_url(REDIS_URL) as store:
        await store.delete(prefix + "bucket")
    assert await allowed(limits, policy, 20) == 3
    await limits.aclose()


async def test_attack_25_while_redis_is_away_each_replica_allows_its_share(redis: Redirect, clock: ManualClock) -> None:
    prefix, policy = f"test:{uuid4()}:", Policy("key", 10, HOUR)
    both = [limiter(redis, clock, prefix, replicas=2) for _ in range(2)]
    assert sum([await allowed(limits, policy, 1) for limits in both]) == 2
    redis.open.clear()
    assert sum([await allowed(limits, policy, 20) for limits in both]) <= 10
    redis.open.set()
    for limits in both:
        await limits.aclose()


async def test_attack_25_a_redis_that_is_away_is_told_once_and_once_that_it_is_back(
    redis: Redirect, clock: ManualClock
) -> None:
    limits, policy = limiter(redis, clock, f"test:{uuid4()}:"), Policy("key", 10, HOUR)
    heard = LogCapture()
    limits._outage = Outage(structlog.wrap_logger(None, [heard], structlog.make_filtering_bound_logger(0)), "Redis")
    await allowed(limits, policy, 1)
    redis.open.clear()
    for _ in range(4):
        limits._away_until = 0.0  # the pause between two tries is over
        await allowed(limits, policy, 2)
    redis.open.set()
    limits._away_until = 0.0
    await allowed(limits, policy, 3)
    assert [one["event"] for one in heard.entries] == ["Redis is lost", "Redis is back"]
    assert heard.entries[1]["failures"] == 4
    await limits.aclose()


async def test_attack_23_workers_with_a_redis_share_one_limit_whatever_their_clocks_say(
    redis: Redirect, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.limits.redis_store._REDIS_SECONDS", 10.0)
    prefix, policy = f"test:{uuid4()}:", Policy("key", 50, HOUR)
    clocks = [clock, ManualClock(clock.now() - timedelta(days=1)), ManualClock(clock.now() + timedelta(days=1))]
    workers = [limiter(redis, own, prefix) for own in clocks]
    hits = []
    for _ in range(12):
        hits += await asyncio.gather(*(workers[n % 3].hit([Hit("bucket", policy)]) for n in range(9)))
    assert sum(hit.allowed for (hit,) in hits) == 50
    (charged,) = await workers[0].charge([Hit("bucket", policy)], 1000)
    assert charged.allowed
    assert charged.reset == pytest.approx(2 * HOUR, abs=5), "a debt is a window at most"
    (refused,) = await workers[1].hit([Hit("bucket", policy)])
    assert refused.retry_after == pytest.approx(HOUR + HOUR / 50, abs=5)
    for worker in workers:
        await worker.aclose()
