"""Requests answered in one process, what follows from them done in another, on one database."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from api.coupon.mall import Mall
from conftest import Backend
from kit.services import Recorder, RunningService

from services.coupon.app import create_service
from services.coupon.settings import CouponSettings
from shared.clock import ManualClock
from shared.db import Database
from shared.messaging import LocalBus
from shared.readiness import State, troubles
from shared.roles import Role
from shared.service import Service


class Shared:
    """Starts processes of the coupon service on one database; only a worker's bus is started."""

    def __init__(self, backend: Backend, clock: ManualClock, bus: LocalBus, recorder: Recorder) -> None:
        self._backend, self._clock, self._bus, self._recorder = backend, clock, bus, recorder

    @asynccontextmanager
    async def process(self, role: Role) -> AsyncIterator[RunningService]:
        bus = self._bus if role.works else self._unstarted()
        service = create_service(self._backend.settings(CouponSettings, role=role), bus, self._clock)
        await self._backend.prepare(service)
        async with service.running():
            running = RunningService(service, self._bus, self._clock, self._recorder)
            yield running
            await running.close()

    def _unstarted(self) -> LocalBus:
        return LocalBus(Database(f"sqlite:///{self._backend.data_dir}/nobody.db", schema="bus"), self._clock)


@pytest.fixture
def shared(backend: Backend, clock: ManualClock, bus: LocalBus, recorder: Recorder) -> Shared:
    return Shared(backend, clock, bus, recorder)


async def test_the_api_only_answers_and_a_worker_sends_what_waits(
    shared: Shared, clock: ManualClock, recorder: Recorder
) -> None:
    async with shared.process(Role.API) as api:
        mall = Mall(api)
        template_id = await mall.template(1000)
        coupons = [await mall.claim(template_id, f"c{number}") for number in range(5)]
        assert "relay messages" not in [loop.name for loop in api.service.loops]
        assert troubles(await api.service.readiness()) == []

        clock.advance(seconds=31)
        (sentence,) = await again(api.service)
        assert "nobody has sent its messages for 31 s; does its worker run?" in sentence

        for kills in range(2):  # one worker dies in the middle of its work, another goes on
            async with shared.process(Role.WORKER) as worker:
                if kills:
                    await worker.drain()
                    assert troubles(await worker.service.readiness()) == []
        assert await again(api.service) == []
        assert [one["coupon_id"] for one in recorder.named("coupon.issued")] == coupons
        assert await mall.audit() == {}


async def again(service: Service) -> list[str]:
    """What a look says that is not remembered."""
    found = await service._database._ask()
    assert [one for one in found if one.state is State.DOWN] == [], "its own work it can do"
    return [one.detail for one in found if one.state is not State.OK]


async def test_a_worker_notices_what_the_api_wrote_without_being_woken(shared: Shared, recorder: Recorder) -> None:
    async with shared.process(Role.API) as api, shared.process(Role.WORKER):
        mall = Mall(api)
        await mall.claim(await mall.template(1000))
        for _ in range(1000):
            if recorder.named("coupon.issued"):
                return
            await asyncio.sleep(0.01)
    raise AssertionError("the worker did not look")
