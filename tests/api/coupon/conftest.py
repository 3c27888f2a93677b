"""A running coupon service for every test of this folder, on each database."""

from collections.abc import Iterator

import pytest
from api.coupon.mall import Mall
from conftest import Backend, RunService
from kit.alone import START, Alone

from services.coupon.app import create_service
from services.coupon.settings import CouponSettings
from shared.clock import ManualClock

SMALL = {"job_chunk_size": 20, "code_chunk_size": 20}


@pytest.fixture(scope="module")
def alone(kept_backend: Backend) -> Iterator[Alone]:
    """A service for all of a module's tests that undo what they do."""
    found = Alone(kept_backend, create_service, kept_backend.settings(CouponSettings, **SMALL), ManualClock(START))
    yield found
    found.close()


@pytest.fixture
async def mall(run_service: RunService) -> Mall:
    return Mall(await run_service(create_service, CouponSettings, **SMALL))
