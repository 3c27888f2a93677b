"""Who may use the database now: as many transactions as it has connections, the others queue in order.

Each pool keeps connections apart for those who must not wait for the others:

    requests       may take all of them
    background     loops and consumers: never the last, which requests need
    long readers   audits: a quarter at most, so that neither of the others waits for minutes

Whoever has a transaction open never begins a second one of the same database, or two of them could wait for each other for
ever: that is an error in the code, and told as one wherever it happens (`OneEach`).
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import Enum
from typing import Any, Self

from prometheus_client import Gauge

from shared import deadline
from shared.observability.metrics import (
    DATABASE_CONNECTIONS,
    DATABASE_IN_USE,
    DATABASE_REFUSED,
    DATABASE_WAITING,
)

LEAST_TURNS = 3
"""One for requests, one for what works in the background, one for long readers."""


class DatabaseBusy(TimeoutError):
    """No connection came free in time; nothing was done."""


class Use(Enum):
    """What a task uses the database for."""

    REQUEST = "request"
    BACKGROUND = "background"
    LONG = "long"


@dataclass(frozen=True)
class Limits:
    """How long to wait, in seconds: for the answer to one statement of a request, and by multiples of it for the others."""

    request: float = 10.0

    def of(self, use: Use) -> float:
        """For the answer to one statement."""
        return self.request * {Use.REQUEST: 1, Use.BACKGROUND: 6, Use.LONG: 90}[use]

    def turn(self) -> float:
        """For this task's turn. A request is told to come again then."""
        use = present_use()
        return deadline.left(self.request) if use is Use.REQUEST else self.of(Use.BACKGROUND)

    @property
    def longest(self) -> float:
        """Of all."""
        return self.of(Use.LONG)

    @property
    def connect(self) -> float:
        """Until a new connection is open."""
        return min(self.request, 5.0)


_use: ContextVar[Use] = ContextVar("use_of_database", default=Use.REQUEST)


def present_use() -> Use:
    """What this task uses the database for."""
    return _use.get()


@contextmanager
def used_for(use: Use) -> Iterator[None]:
    """What this task, and those that it starts, do in the block is done for this."""
    token = _use.set(use)
    try:
        yield
    finally:
        _use.reset(token)


@dataclass(slots=True, eq=False)
class _Open:
    """A transaction that a task has open, or had."""

    owner: "OneEach"
    task: "asyncio.Task[Any] | None"
    outer: "_Open | None"
    open: bool = True

    def close(self) -> None:
        """It is over."""
        self.open = False


_held: ContextVar[_Open | None] = ContextVar("held_transaction", default=None)


class OneEach:
    """One open transaction of a database for each task. `name` is the part's, for the message."""

    def __init__(self, name: str) -> None:
        self._name = name

    def open(self) -> _Open:
        """The task begins one, to be closed. Raises RuntimeError when it has one."""
        held = _Open(self, asyncio.current_task(), self.refuse_second())
        _held.set(held)
        return held

    def refuse_second(self) -> _Open | None:
        """Raises RuntimeError when this task has one open. Answers the innermost that it has of any database."""
        task, innermost = asyncio.current_task(), None
        held = _held.get()
        while held is not None:
            if held.open and held.task is task:
                if held.owner is self:
                    raise RuntimeError(
                        f"a transaction of {self._name} is open in this task already: hand it on, don't open another"
                    )
                innermost = innermost or held
            held = held.outer
        return innermost


class Turns:
    """The turns of one pool of `size` connections. `name` is the part's, for operators."""

    def __init__(self, name: str, size: int, limits: Limits = Limits()) -> None:
        self.size = size
        self.limits = limits
        self._name = name
        apart = max(1, size // 4)
        self._all = asyncio.Semaphore(size)
        self._ways = {
            Use.REQUEST: (self._all,),
            Use.BACKGROUND: (asyncio.Semaphore(max(1, size - 2 * apart)), self._all),
            Use.LONG: (asyncio.Semaphore(apart), self._all),
        }
        DATABASE_CONNECTIONS.labels(name).set(size)
        self._in_use = DATABASE_IN_USE.labels(name)

    async def take(self, seconds: float | None = None) -> "Turn":
        """One's turn, to be given back. Raises DatabaseBusy when it does not come in time."""
        use = _use.get()
        turn = Turn(self._in_use, self._ways[use])
        if turn.free():
            return await turn.enter()
        waiting = DATABASE_WAITING.labels(self._name, use.value)
        waiting.inc()
        try:
            async with asyncio.timeout(self.limits.turn() if seconds is None else seconds):
                return await turn.enter()
        except TimeoutError:
            DATABASE_REFUSED.labels(self._name, use.value).inc()
            raise DatabaseBusy(f"no connection to the database of {self._name} came free in time") from None
        finally:
            waiting.dec()


class Turn:
    """One task's turn: it may have a connection. Given back, the next in the queue has it."""

    __slots__ = ("_entered", "_in_use", "_way")

    def __init__(self, in_use: Gauge, way: tuple[asyncio.Semaphore, ...]) -> None:
        self._in_use = in_use
        self._way = way
        self._entered = 0

    def free(self) -> bool:
        """It can be had at once."""
        return not any(one.locked() for one in self._way)

    async def enter(self) -> Self:
        """Wait for it. What was reached is given back when the waiting is cut off."""
        try:
            for one in self._way:
                await one.acquire()
                self._entered += 1
        except BaseException:
            self._leave(0.0)
            raise
        self._in_use.inc()
        return self

    def give_back(self, rest: float = 0.0) -> None:
        """The next one may have it, at once or after `rest` seconds: for so long the pool is smaller."""
        self._in_use.dec()
        self._leave(rest)

    def _leave(self, rest: float) -> None:
        for one in reversed(self._way[: self._entered]):
            if rest and one is self._way[-1]:
                asyncio.get_running_loop().call_later(rest, one.release)
            else:
                one.release()
        self._entered = 0
