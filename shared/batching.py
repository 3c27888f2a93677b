"""Group commit: concurrent requests that touch the same hot rows share one transaction.

Requests gather while the previous transaction is under way, so a lone request waits for nobody and a crowd commits in
large batches. Each caller gets an answer of its own, and a bad request never fails its neighbours.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from math import inf
from typing import Any, Generic, TypeVar

from shared import deadline
from shared.db import Database, Transaction, is_outage, is_transient
from shared.observability.logging import get_logger
from shared.observability.metrics import BATCH_SIZE

Q = TypeVar("Q")
A = TypeVar("A")
_TRIES = 3

Work = Callable[[Transaction, Sequence[Q]], Awaitable[Sequence[A | Exception]]]
"""Handles requests in one transaction; answers one result for each, in order: its answer, or the exception it gets."""


class Again(Exception):
    """Raised by a group's work: what it relied on has changed meanwhile; run the batch again in a new transaction."""


def _give_up(future: asyncio.Future[Any], name: str) -> None:
    if not future.done():
        future.set_exception(TimeoutError(f"no answer of {name} in time"))


class GroupCommit(Generic[Q, A]):
    """One queue and one worker for one kind of hot work. Enter `running()` for as long as requests may come."""

    def __init__(
        self, name: str, db: Database, work: Work[Q, A], *, max_batch: int = 256, reading: bool = False
    ) -> None:
        """`reading`: the work only asks; on SQLite it then waits for no writer."""
        self._begin = db.read if reading else db.write
        self._name = name
        self._db = db
        self._work = work
        self._max_batch = max_batch
        self._waiting: list[tuple[Q, asyncio.Future[A]]] = []
        self._wake = asyncio.Event()
        self._closing = False
        self._log = get_logger(group=name)
        self._sizes = BATCH_SIZE.labels(name)

    async def submit(self, request: Q) -> A:
        """The answer to `request` once its transaction is durable. Raises what the work decided for it.

        Raises TimeoutError when the caller's deadline passes first: then it is not known whether the work was done.

        Inside a `joined` transaction (a call with an idempotency key) the work runs in that one, on its own.
        """
        if self._db.is_joined():
            async with self._begin() as tx:
                result = (await self._work(tx, [request]))[0]
            if isinstance(result, Exception):
                raise result
            return result
        self._db.refuse_second()  # it would wait for the group's transaction with one of its own open
        loop = asyncio.get_running_loop()
        future: asyncio.Future[A] = loop.create_future()
        self._waiting.append((request, future))
        self._wake.set()
        end = deadline.end()
        if end == inf:
            return await future
        too_late = loop.call_at(end, _give_up, future, self._name)
        try:
            return await future
        finally:
            too_late.cancel()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The worker runs inside the block; what waits at its end is still answered."""
        task = asyncio.create_task(self._run(), name=f"group commit {self._name}")
        try:
            yield
        finally:
            self._closing = True
            self._wake.set()
            await task

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            batch, self._waiting = self._waiting[: self._max_batch], self._waiting[self._max_batch :]
            if not self._waiting:
                if self._closing and not batch:
                    return
                if not self._closing:
                    self._wake.clear()
            # A caller that went away before its turn asked for nothing any more.
            batch = [(request, future) for request, future in batch if not future.done()]
            if batch:
                self._sizes.observe(len(batch))
                await self._settle(batch)

    async def _settle(self, batch: list[tuple[Q, asyncio.Future[A]]]) -> None:
        try:
            results = await self._commit([request for request, _ in batch])
        except Exception as error:
            if len(batch) > 1 and not is_outage(error):
                for one in batch:
                    await self._settle([one])
                return
            results = [error] * len(batch)
        for (_, future), result in zip(batch, results, strict=True):
            if future.done():
                continue
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)

    async def _commit(self, requests: list[Q]) -> Sequence[A | Exception]:
        for attempt in range(1, _TRIES + 1):
            try:
                async with self._begin() as tx:
                    results = await self._work(tx, requests)
                    if len(results) != len(requests):
                        raise RuntimeError(f"{self._name}: {len(results)} answers to {len(requests)} requests")
                    return results
            except Exception as error:
                if attempt == _TRIES or not (isinstance(error, Again) or is_transient(error)):
                    raise
                self._log.info("transaction again", attempt=attempt)
                await asyncio.sleep(0.01 * attempt)
        raise AssertionError("unreachable: the last try returns or raises")
