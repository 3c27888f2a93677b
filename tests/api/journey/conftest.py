"""A merchant on a journey service, on both databases."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest
from conftest import Backend
from kit.alone import START, Alone
from kit.journeys import JourneyShop

from services.journey.app import create_service
from services.journey.settings import JourneySettings
from shared.clock import ManualClock

StartShop = Callable[..., Awaitable[JourneyShop]]


@pytest.fixture
async def start_shop(run_service: Callable[..., Awaitable[Any]], clock: ManualClock) -> StartShop:
    """Start a journey service with these settings."""

    async def start(**settings: Any) -> JourneyShop:
        running = await run_service(create_service, JourneySettings, **{"copy_wait_seconds": 0.2, **settings})
        return JourneyShop(running, clock)

    return start


@pytest.fixture
async def shop(start_shop: StartShop) -> AsyncIterator[JourneyShop]:
    """A journey service whose audit must hold when the test is over."""
    started = await start_shop()
    yield started
    await started.sound()


@pytest.fixture(scope="module")
def alone(kept_backend: Backend) -> Iterator[Alone]:
    """A service for all of a module's tests that undo what they do."""
    found = Alone(kept_backend, create_service, kept_backend.settings(JourneySettings), ManualClock(START))
    yield found
    found.close()
