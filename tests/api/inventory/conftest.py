"""A shop with one warehouse."""

import pytest
from api.inventory.shopkit import Shop
from conftest import RunService

from services.inventory.app import create_service
from services.inventory.settings import InventorySettings
from shared.clock import ManualClock


@pytest.fixture
async def shop(run_service: RunService, clock: ManualClock) -> Shop:
    """An inventory service with the warehouse `w1`; its loops rest until the test calls `tick`."""
    running = await run_service(create_service, InventorySettings, expiry_sweep_seconds=3600, signal_seconds=3600)
    opened = Shop(running, clock)
    await opened.place("w1")
    return opened
