"""Leased sub-quotas 子配额: two instances share hot templates, as two processes would, and every limit stays exact."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx
import pytest
from api.coupon.mall import Mall
from conftest import Backend
from kit.services import INTERNAL_SECRET, Recorder, RunningService
from pydantic import SecretStr
from sqlalchemy import select

from services.coupon.app import create_service
from services.coupon.settings import CouponSettings
from services.coupon.templates.models import QuotaLease
from shared.clock import ManualClock
from shared.db import Database
from shared.messaging import LocalBus


class Twin(Mall):
    """One instance of the service beside another on the same database. `leave` ends it before the test does."""

    def __init__(self, running: RunningService, stack: AsyncExitStack) -> None:
        super().__init__(running)
        self.leave = stack.aclose

    async def leases(self) -> list[tuple[int, int, str | None]]:
        """Unused, cost and day of every lease in the database."""
        async with self.running.service.kit.db.read() as tx:
            rows = (await tx.execute(select(QuotaLease.table).order_by(QuotaLease.c.holder))).all()
        return [(row.unused, row.cost, row.day) for row in rows]


@pytest.fixture
async def twins(backend: Backend, clock: ManualClock) -> AsyncIterator[list[Twin]]:
    async with AsyncExitStack() as whole:
        found = []
        for number in range(2):
            bus = LocalBus(Database(f"sqlite:///{backend.data_dir}/bus{number}.db", schema="bus"), clock)
            await bus.start()
            whole.push_async_callback(bus.stop)
            settings = CouponSettings(
                database_url=backend.database_url,
                data_dir=backend.data_dir,
                internal_secret=SecretStr(INTERNAL_SECRET),
                lease_size=100,
                lease_from=1,  # however the crowd falls into batches
            )
            service = create_service(settings, bus, clock)
            stack = await whole.enter_async_context(AsyncExitStack())
            await stack.enter_async_context(service.running())
            running = RunningService(service, bus, clock, Recorder())
            stack.push_async_callback(running.close)
            found.append(Twin(running, stack))
        yield found


async def crowd(mall: Mall, template_id: str, customers: range) -> list[httpx.Response]:
    """Everybody at once."""
    return await asyncio.gather(*[mall.try_claim(template_id, f"c{number}") for number in customers])


async def warm(twins: list[Twin], template_id: str, size: int = 20) -> None:
    """Each of the two sees that the other wants the template as well, so each leases."""
    for start, twin in ((100_000, twins[0]), (200_000, twins[1]), (300_000, twins[0])):
        answers = await crowd(twin, template_id, range(start, start + size))
        assert {answer.status_code for answer in answers} == {201}
    assert sum(bool(unused) for unused, _, _ in await twins[0].leases()) >= 2


def counted(answers: list[httpx.Response]) -> Counter[str]:
    return Counter(answer.json().get("code", "") if answer.status_code != 201 else "granted" for answer in answers)


async def test_a_lone_process_never_leases(twins: list[Twin]) -> None:
    template_id = await twins[0].template(limits={"total": 5000})
    for start in range(0, 120, 40):
        await crowd(twins[0], template_id, range(start, start + 40))
    assert await twins[0].leases() == []


async def test_what_is_leased_is_not_given_out_yet(twins: list[Twin]) -> None:
    template_id = await twins[0].template(1000, limits={"total": 4000, "budget": 4_000_000, "per_day": 4000})
    await warm(twins, template_id)
    held = sum(unused for unused, _, _ in await twins[0].leases())
    assert held > 100
    assert {(cost, day) for _, cost, day in await twins[0].leases()} == {(1000, "2026-11-11")}
    seen = await twins[1].seen(template_id)
    assert (seen["issued"], seen["remaining"], seen["budget_spent"]) == (60, 3940, 60_000)
    assert await twins[0].audit() == {}
    await crowd(twins[0], template_id, range(30))  # from the lease alone
    assert sum(unused for unused, _, _ in await twins[0].leases()) == held - 30
    assert (await twins[1].seen(template_id))["issued"] == 90
    assert await twins[0].audit() == {}


@pytest.mark.parametrize(
    ("limit", "code"),
    [({"total": 700}, "sold_out"), ({"per_day": 700}, "day_limit_reached"), ({"budget": 700_999}, "budget_exhausted")],
)
async def test_nobody_is_refused_while_a_lease_holds_coupons(
    twins: list[Twin], limit: dict[str, int], code: str
) -> None:
    template_id = await twins[0].template(1000, limits=limit)
    await warm(twins, template_id)
    # One of the two wants everything that is left, the other's lease included.
    assert counted(await crowd(twins[0], template_id, range(700))) == {"granted": 640, code: 60}
    assert counted(await crowd(twins[1], template_id, range(900, 920))) == {code: 20}
    assert await twins[0].leases() == []
    assert await twins[1].audit() == {}


async def test_a_customer_at_both_at_once_gets_what_she_may_have(twins: list[Twin]) -> None:
    once = await twins[0].template(limits={"per_customer": 1})
    thrice = await twins[0].template(limits={"per_customer": 3})
    free = await twins[0].template()
    for template_id in (once, thrice, free):
        await warm(twins, template_id)
    for template_id, most in ((once, 1), (thrice, 3), (free, 20)):
        calls = [twins[number % 2].try_claim(template_id, f"x{number // 20}") for number in range(200)]
        answers = await asyncio.gather(*calls)
        granted = Counter(answer.json()["customer_id"] for answer in answers if answer.status_code == 201)
        assert set(granted.values()) == {most}
        assert counted(list(answers)) - Counter(granted=10 * most) == Counter(claim_limit_reached=200 - 10 * most)
    assert await twins[0].audit() == {}


async def test_a_pause_is_seen_by_every_later_claim(twins: list[Twin]) -> None:
    template_id = await twins[0].template(limits={"total": 5000})
    await warm(twins, template_id)
    await twins[0].http.patch(f"/v1/coupon-templates/{template_id}", json={"status": "paused"})
    assert counted(await crowd(twins[1], template_id, range(20))) == {"paused": 20}
    assert await twins[0].leases() == []
    await twins[0].http.patch(f"/v1/coupon-templates/{template_id}", json={"status": "active"})
    assert counted(await crowd(twins[1], template_id, range(20))) == {"granted": 20}
    assert await twins[0].audit() == {}


async def test_limits_change_under_leases(twins: list[Twin]) -> None:
    template_id = await twins[0].template(limits={"total": 5000})
    await warm(twins, template_id)
    path = f"/v1/coupon-templates/{template_id}"
    assert (await twins[1].http.patch(path, json={"limits": {"total": 59}})).json()["code"] == "limit_below_issued"
    # As many as were given out: what was leased beside them is no obstacle, and nobody can use it any more.
    assert (await twins[1].http.patch(path, json={"limits": {"total": 60}})).status_code == 200
    assert counted(await crowd(twins[0], template_id, range(20))) == {"sold_out": 20}
    assert await twins[0].audit() == {}


async def test_a_lease_ends_with_its_time_and_its_day(twins: list[Twin], clock: ManualClock) -> None:
    template_id = await twins[0].template(limits={"per_day": 900})
    await warm(twins, template_id)
    clock.advance(seconds=14 * 3600)  # midnight in Shanghai; nobody has given the leases back yet
    assert counted(await crowd(twins[0], template_id, range(900))) == {"granted": 900}
    await twins[1].running.tick()
    assert await twins[0].leases() == []
    assert await twins[1].audit() == {}


async def test_a_process_that_ends_gives_back(twins: list[Twin]) -> None:
    template_id = await twins[0].template(limits={"total": 5000})
    await warm(twins, template_id)
    await twins[1].leave()
    assert len(await twins[0].leases()) == 1
    assert (await twins[0].seen(template_id))["issued"] == 60
    assert await twins[0].audit() == {}


async def test_jobs_and_claims_share_what_is_leased(twins: list[Twin]) -> None:
    template_id = await twins[0].template(limits={"total": 700})
    await warm(twins, template_id)
    body = {"customer_ids": [f"j{number}" for number in range(700)], "reason": "x"}
    job = (await twins[0].http.post(f"/v1/coupon-templates/{template_id}/issues", json=body)).json()
    claims = asyncio.create_task(crowd(twins[1], template_id, range(300)))
    done = await twins[0].finished(job["id"])
    granted = counted(await claims)["granted"]
    assert done["issued"] + granted == 640
    assert (await twins[1].seen(template_id))["remaining"] == 0
    assert await twins[0].audit() == {}
