"""Work that takes seconds, kept from everybody else: so much of it at once, and what many ask for is done once for all."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

from shared import deadline
from shared.db import Use, used_for
from shared.web.problems import Unavailable

T = TypeVar("T")
_LONGEST_REST = 10.0
_LONGEST_WAIT = 600.0


class Lane:
    """Lets `at_once` through together, while `waiting` more may wait; the others are told to come again.

    Enter it before anything else is held: whoever waits with a transaction open keeps a connection from everybody.
    """

    def __init__(self, at_once: int, waiting: int) -> None:
        self._at_once = at_once
        self._most = at_once + waiting
        self._inside = 0
        self._free = asyncio.Semaphore(at_once)

    @property
    def empty(self) -> bool:
        """Nobody is there."""
        return self._inside == 0

    @asynccontextmanager
    async def turn(self, *, patient: bool = True) -> AsyncIterator[None]:
        """One's turn. `patient=False`: now or not at all. Raises Unavailable when too many are there already."""
        if self._inside >= (self._most if patient else self._at_once):
            raise _busy()
        self._inside += 1
        try:
            async with _place(self._free):
                yield
        finally:
            self._inside -= 1


def _busy() -> Unavailable:
    return Unavailable(
        "busy",
        "Too much work of this kind is waiting already. Try again in a second.",
        headers={"Retry-After": "1"},
    )


@asynccontextmanager
async def _place(free: asyncio.Semaphore) -> AsyncIterator[None]:
    """One of the places. Raises Unavailable when none is free while the request may wait."""
    try:
        async with asyncio.timeout(deadline.left(_LONGEST_WAIT)):
            await free.acquire()
    except TimeoutError:
        raise _busy() from None
    try:
        yield
    finally:
        free.release()


class Lanes:
    """A lane for all, and in it a narrower one for each who asks: nobody takes its whole width."""

    def __init__(self, at_once: int, each: int, waiting: int) -> None:
        """`waiting`: of one asker."""
        self._free = asyncio.Semaphore(at_once)
        self._each = each
        self._waiting = waiting
        self._lanes: dict[str, Lane] = {}

    @asynccontextmanager
    async def turn(self, who: str) -> AsyncIterator[None]:
        """The turn of this asker. Raises Unavailable when too much of theirs is waiting already."""
        lane = self._lanes.setdefault(who, Lane(self._each, self._waiting))
        try:
            async with lane.turn(), _place(self._free):
                yield
        finally:
            if lane.empty:
                self._lanes.pop(who, None)


class OneRun(Generic[T]):
    """Work that changes nothing, of which one run at a time serves all who ask.

    Who asks while it runs gets the next run, so that nobody is told of a time before they asked. Runs rest as long as they
    took: whoever asks without end leaves half of the time to the others.
    """

    def __init__(self, work: Callable[[], Awaitable[T]]) -> None:
        self._work = work
        self._running = asyncio.Lock()
        self._next: asyncio.Task[T] | None = None
        self._rested_at = 0.0

    async def result(self) -> T:
        """What the next run answers; one that is under way goes on when its asker leaves."""
        if self._next is None:
            self._next = asyncio.create_task(self._run(), name="one run for all who ask")
        return await asyncio.shield(self._next)

    async def _run(self) -> T:
        async with self._running:
            await asyncio.sleep(self._rested_at - time.monotonic())
            self._next = None
            started = time.monotonic()
            try:
                with used_for(Use.LONG):
                    return await self._work()
            finally:
                ended = time.monotonic()
                self._rested_at = ended + min(ended - started, _LONGEST_REST)
