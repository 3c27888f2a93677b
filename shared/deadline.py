"""Until when a request is worth waiting for 期限: whoever waits on its account, for a database or for somebody else's work, asks.

It begins to run when the request first waits, not while its body comes in, and ends with the head of its answer: a long
download is not cut off. What works in the background has none.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from math import inf


class Deadline:
    """Of one piece of work, in seconds from when it is first asked about."""

    __slots__ = ("_end", "_outer", "_seconds")

    def __init__(self, seconds: float, outer: "Deadline | None" = None) -> None:
        self._seconds = seconds
        self._outer = outer
        self._end: float | None = None

    def end(self) -> float:
        """When it is over, by the event loop's clock."""
        if self._end is None:
            self._end = asyncio.get_running_loop().time() + self._seconds
        return self._end if self._outer is None else min(self._end, self._outer.end())

    def lift(self) -> None:
        """There is none any more: the answer has begun."""
        self._end = inf
        if self._outer is not None:
            self._outer.lift()


_present: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


@contextmanager
def within(seconds: float, *, anew: bool = False) -> Iterator[Deadline]:
    """What is done in the block is worth so many seconds, and no more than what is around the block.

    `anew`: whatever is around; for work that others wait for too.
    """
    deadline = Deadline(seconds, None if anew else _present.get())
    token = _present.set(deadline)
    try:
        yield deadline
    finally:
        _present.reset(token)


def end() -> float:
    """When this task's work is not worth waiting for any more, by the event loop's clock; infinity where nobody said."""
    deadline = _present.get()
    return inf if deadline is None else deadline.end()


def left(most: float) -> float:
    """Seconds that this task may wait: what is left to it, `most` at most, and never less than none."""
    deadline = _present.get()
    if deadline is None:
        return most
    return max(min(most, deadline.end() - asyncio.get_running_loop().time()), 0.0)
