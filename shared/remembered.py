"""Answers to costly questions that anybody may ask: asked once at a time, and believed for a moment."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from shared import deadline

T = TypeVar("T")
_PATIENCE_SECONDS = 60.0


class Remembered(Generic[T]):
    """`await read()` answers what `ask` answered within the last `seconds`, or asks. Errors are not remembered."""

    def __init__(self, ask: Callable[[], Awaitable[T]], seconds: float = 1.0) -> None:
        self._ask = ask
        self._seconds = seconds
        self._asking: asyncio.Task[T] | None = None
        self._asked_at = 0.0

    async def read(self) -> T:
        """The answer. All who come while it is sought wait for the same one, each as long as they may.

        Raises TimeoutError.
        """
        asking, now = self._asking, time.monotonic()
        if asking is None or (asking.done() and (now - self._asked_at >= self._seconds or _failed(asking))):
            self._asked_at = now
            asking = self._asking = asyncio.ensure_future(self._run())
        async with asyncio.timeout(deadline.left(_PATIENCE_SECONDS)):
            return await asyncio.shield(asking)

    async def _run(self) -> T:
        with deadline.within(_PATIENCE_SECONDS, anew=True):  # not that of whoever happened to come first
            answer = await self._ask()
        self._asked_at = time.monotonic()
        return answer


def _failed(task: asyncio.Task[T]) -> bool:
    """True for a task that ended without an answer."""
    return task.cancelled() or task.exception() is not None
