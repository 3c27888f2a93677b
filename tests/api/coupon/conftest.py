"""A running coupon service for every test of this folder, on each database."""

import pytest
from api.coupon.mall import Mall
from conftest import RunService

from services.coupon.app import create_service
from services.coupon.settings import CouponSettings


@pytest.fixture
async def mall(run_service: RunService) -> Mall:
    return Mall(await run_service(create_service, CouponSettings, job_chunk_size=20, code_chunk_size=20))
