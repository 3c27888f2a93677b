"""Figures that are taken when Prometheus asks: what waits, how long already, what was given up, how full the disk is.

Taken at most once in TAKEN_SECONDS, however many ask, one after the other, and within a deadline. Nothing is counted beyond
MOST. A figure that could not be taken is not shown: neither nought nor the last one would be true.
"""

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from prometheus_client import Gauge, generate_latest

from shared.clock import Clock
from shared.db import Use, used_for
from shared.loops import Loop
from shared.messaging import Bus, Relay
from shared.observability.logging import get_logger
from shared.observability.metrics import (
    DISK_FREE,
    DISK_SIZE,
    FIGURES_FAILED,
    LOOP_BEHIND,
    OUTBOX_OLDEST,
    OUTBOX_WAITING,
    QUEUE_PARKED,
    QUEUE_WAITING,
)
from shared.remembered import Remembered

TAKEN_SECONDS = 10.0
_DEADLINE_SECONDS = 3.0


class Figure(NamedTuple):
    """One value of a gauge, with its labels in order."""

    gauge: Gauge
    labels: tuple[str, ...]
    value: float


Measure = Callable[[], Awaitable[Sequence[Figure]]]


class Figures:
    """Those of one part. Offer them while the part runs."""

    def __init__(self, part: str) -> None:
        self._part = part
        self._measures: list[Measure] = []
        self._shown: dict[Measure, set[tuple[Gauge, tuple[str, ...]]]] = {}
        self._taken = Remembered(self._take_all, TAKEN_SECONDS)
        self._log = get_logger(service=part)

    def add(self, *measures: Measure) -> None:
        """Take these too."""
        self._measures += measures

    @contextmanager
    def offered(self) -> Iterator[None]:
        """Whoever asks this process for its figures has these among them."""
        _offered.append(self)
        try:
            yield
        finally:
            _offered.remove(self)
            for measure in self._measures:
                self._show(measure, ())

    async def take(self) -> None:
        """Bring the gauges up to date, unless they are of a moment ago. Never raises."""
        await self._taken.read()

    async def _take_all(self) -> None:
        with used_for(Use.BACKGROUND):
            loop = asyncio.get_running_loop()
            deadline = loop.time() + _DEADLINE_SECONDS
            for measure in self._measures:
                try:
                    async with asyncio.timeout_at(deadline):
                        taken = await measure()
                except Exception as error:
                    FIGURES_FAILED.labels(self._part).inc()
                    self._log.info("a figure could not be taken", error=type(error).__name__)
                    taken = ()
                self._show(measure, taken)

    def _show(self, measure: Measure, taken: Sequence[Figure]) -> None:
        now = {(figure.gauge, figure.labels) for figure in taken}
        for gauge, labels in self._shown.get(measure, set()) - now:
            with suppress(KeyError):
                gauge.remove(*labels)
        self._shown[measure] = now
        for figure in taken:
            figure.gauge.labels(*figure.labels).set(figure.value)


_offered: list[Figures] = []
"""Of the parts that run in this process, which has one page of figures as it has one registry."""


async def exposition() -> bytes:
    """All figures of this process, as Prometheus reads them."""
    await asyncio.gather(*(figures.take() for figures in list(_offered)))
    return generate_latest()


async def of_outbox(service: str, relay: Relay, clock: Clock) -> list[Figure]:
    """What waits to be sent."""
    count, oldest = await relay.pressing(clock)
    return [
        Figure(OUTBOX_WAITING, (service,), count),
        Figure(OUTBOX_OLDEST, (service,), max(oldest.total_seconds(), 0.0)),
    ]


async def of_queues(bus: Bus, consumers: Sequence[str]) -> list[Figure]:
    """What waits to be heard, and what was given up."""
    found: list[Figure] = []
    for depth in await bus.depths(consumers):
        found.append(Figure(QUEUE_WAITING, (depth.queue,), depth.waiting))
        found.append(Figure(QUEUE_PARKED, (depth.queue,), depth.parked))
    return found


async def of_loops(service: str, loops: Sequence[Loop]) -> list[Figure]:
    """How far each loop is behind its work."""
    return [Figure(LOOP_BEHIND, (service, loop.name), loop.behind()) for loop in loops]


async def of_disk(folder: Path) -> list[Figure]:
    """The disk of the data folder, where there is one."""
    try:
        usage = shutil.disk_usage(folder)
    except FileNotFoundError:
        return []
    return [Figure(DISK_FREE, ("data",), usage.free), Figure(DISK_SIZE, ("data",), usage.total)]
