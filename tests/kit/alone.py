"""A service outside of a test's event loop: built once for many tests, or walked step by step by Hypothesis."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any, TypeVar

from kit.backends import Backend
from kit.services import Recorder, RunningService

from shared.clock import Clock, ManualClock
from shared.db import Database
from shared.messaging import Bus, LocalBus
from shared.service import Service
from shared.settings import ServiceSettings

START = datetime(2026, 11, 11, 2, 0, tzinfo=UTC)
"""When the tests' clocks begin: ten in the morning in Shanghai."""

S = TypeVar("S", bound=ServiceSettings)
T = TypeVar("T")


class Alone:
    """One running service with an event loop and a local bus of its own. The loop turns inside `run` only."""

    def __init__(
        self,
        backend: Backend,
        create: Callable[[S, Bus, Clock], Service],
        settings: S,
        clock: ManualClock,
    ) -> None:
        self.clock = clock
        self._runner = asyncio.Runner()
        self._stack = AsyncExitStack()
        self.running = self.run(self._start(backend, create, settings))

    async def _start(self, backend: Backend, create: Callable[[S, Bus, Clock], Service], settings: S) -> RunningService:
        bus = LocalBus(Database(f"sqlite:///{backend.data_dir}/bus.db", schema="bus"), self.clock)
        await bus.start()
        self._stack.push_async_callback(bus.stop)
        recorder = Recorder()
        await recorder.attach(bus)
        service = create(settings, bus, self.clock)
        await backend.prepare(service)
        await self._stack.enter_async_context(service.running())
        running = RunningService(service, bus, self.clock, recorder)
        self._stack.push_async_callback(running.close)
        return running

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    def close(self) -> None:
        self.run(self._stack.aclose())
        self._runner.close()
