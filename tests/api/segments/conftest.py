"""A running segments service on each backend."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from api.segments.talking import Segments
from kit.services import RunningService

from services.segments.app import create_service
from services.segments.settings import SegmentsSettings
from shared.clock import ManualClock


@pytest.fixture
async def segments(backend: Any, run_service: Callable[..., Awaitable[RunningService]], clock: ManualClock) -> Segments:
    """A fresh service on each backend."""
    return Segments(await run_service(create_service, SegmentsSettings), clock)


@pytest.fixture
async def small_chunks(
    backend: Any, run_service: Callable[..., Awaitable[RunningService]], clock: ManualClock
) -> Segments:
    """The same, with a backfill that takes two profiles at a time."""
    return Segments(await run_service(create_service, SegmentsSettings, backfill_chunk=2), clock)
