"""Attacks 23 and 24 on quotas of a day: by a restart, by another replica, at the edge of two days, by making keys at once."""

import asyncio
from datetime import UTC, datetime

import pytest
from attacks.conftest import Replica
from kit.gateway import Suite

from gateway.limits import repository
from gateway.limits.repository import Counted
from shared.clock import ManualClock
from shared.db import Database

NO_DATABASE = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)


async def key_with(suite: Suite, **limits: int) -> str:
    return await suite.key(kind="restricted", scopes=["coupon:coupons:read"], limits=limits)


async def passed(suite: Suite, key: str, calls: int) -> int:
    client = suite.client(key)
    answers = await asyncio.gather(*(client.get("/v1/coupons") for _ in range(calls)))
    assert {answer.status_code for answer in answers} <= {200, 429}
    return sum(answer.status_code == 200 for answer in answers)


def database(suite: Suite) -> Database:
    return suite.gateway.kit.db


async def test_attack_23_a_day_is_the_merchants_and_a_restart_gives_no_fresh_one(
    replica: Replica, clock: ManualClock
) -> None:
    clock.set(datetime(2026, 3, 1, 12, tzinfo=UTC))
    first = await replica()
    key = await key_with(first, daily=5)
    assert await passed(first, key, 3) == 3
    await first.gateway.limits.periods.carry()
    again = await replica()
    assert await passed(again, key, 9) == 2
    refused = await again.client(key).get("/v1/coupons")
    assert refused.json()["violated-policies"] == ["daily"]
    assert int(refused.headers["retry-after"]) == 4 * 3600, "it was 20:00 in Shanghai"
    clock.advance(seconds=4 * 3600)
    assert await passed(again, key, 9) == 5
    assert await passed(again, key, 9) == 0, "nothing doubles at the edge"


async def test_attack_23_replicas_without_a_redis_learn_of_each_others_day(replica: Replica) -> None:
    one, other = await replica(), await replica()
    key = await key_with(one, daily=10)
    assert await passed(one, key, 4) + await passed(other, key, 4) == 8, "a day is not divided"
    for suite in (one, other):
        await suite.gateway.limits.periods.carry()
    assert await passed(other, key, 5) == 2, "it carried last, and knows all"
    await other.gateway.limits.periods.carry()
    assert await passed(one, key, 9) <= 6, "no more than what was unknown for a second"
    await one.gateway.limits.periods.carry()
    assert await passed(one, key, 9) + await passed(other, key, 9) == 0


async def test_attack_23_what_can_not_be_written_down_is_not_forgotten(
    replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    suite = await replica()
    key = await key_with(suite, daily=10)
    assert await passed(suite, key, 4) == 4

    async def broken(*_: object) -> list[Counted]:
        raise OSError("the database is away")

    with monkeypatch.context() as patch:
        patch.setattr(repository, "add_counts", broken)
        with pytest.raises(OSError, match="away"):
            await suite.gateway.limits.periods.carry()
    assert await passed(suite, key, 2) == 2, "calls go on meanwhile"
    await suite.gateway.limits.periods.carry()
    async with database(suite).read() as tx:
        assert [one.calls for one in await repository.counts_of(tx, datetime(2020, 1, 1, tzinfo=UTC))] == [6]


async def test_attack_23_a_count_that_is_bounded_stays_so_under_many_at_once(
    replica: Replica, clock: ManualClock
) -> None:
    suite = await replica()

    async def one() -> bool:
        async with database(suite).write() as tx:
            return await suite.gateway.limits.periods.add_today(tx, "keys:own_1", 5) is None

    assert sum(await asyncio.gather(*(one() for _ in range(20)))) == 5
    clock.advance(seconds=86400)
    assert await one()


async def test_attack_23_days_that_are_over_are_forgotten(replica: Replica, clock: ManualClock) -> None:
    suite = await replica()
    assert await passed(suite, await key_with(suite, daily=5), 1) == 1
    await suite.gateway.limits.periods.carry()
    clock.advance(seconds=4 * 86400)
    assert not await suite.gateway.limits.periods.prune()
    async with database(suite).read() as tx:
        assert await repository.counts_of(tx, datetime(2020, 1, 1, tzinfo=UTC)) == []
