"""How readiness looks at a part's own database: does it answer, has it the tables, can it be written to?"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta

from sqlalchemy import MetaData, text

from shared.clock import Clock
from shared.db import Database, Trouble, kind_of
from shared.db.migrate import NewerSchema, pending
from shared.db.probe import trouble_of
from shared.readiness import Finding, State

LOOK_SECONDS = 2.0
"""Whoever asks for readiness has a deadline of their own."""
_WORKER_MISSED = timedelta(seconds=30)


class DatabaseLook:
    """Looks at `db`. `waiting` tells how long the oldest message has waited, to a process that sends none itself."""

    def __init__(
        self,
        db: Database,
        metadata: MetaData,
        migrations: str,
        clock: Clock,
        waiting: Callable[[], Awaitable[timedelta]] | None,
    ) -> None:
        self._db = db
        self._metadata = metadata
        self._migrations = migrations
        self._clock = clock
        self._waiting = waiting
        self._migrated = False

    async def findings(self) -> list[Finding]:
        """What was found, within LOOK_SECONDS. Never raises."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                return await self._look()
        except NewerSchema as error:
            return [_found(State.DOWN, f"the database is newer than this version: {error}")]
        except Exception as error:
            if isinstance(error, TimeoutError) and self._db.condition.answered_at > began:
                # Who turns away from a process that is busy gives its calls to others that are no less so.
                return [_found(State.DEGRADED, "the database is busy: calls wait for their turn")]
            trouble = kind_of(error) or Trouble.AWAY
            return [_found(State.DOWN, f"the database {trouble.value} ({type(error).__name__})")]

    async def _look(self) -> list[Finding]:
        async with self._db.read() as tx:
            await tx.execute(text("SELECT 1"))
        # Tables that are there stay: to read the migrations again would cost more than all else that readiness asks.
        self._migrated = self._migrated or not await pending(self._db, self._migrations)
        if not self._migrated:
            return [_found(State.DOWN, "the database is not migrated; run `quanyu migrate`")]
        trouble = await trouble_of(self._db, self._metadata, self._clock.now())
        if trouble is not None:
            return [_found(State.DOWN, f"the database {trouble.value}")]
        return [_found(State.OK, "the database answers and takes writes"), *await self._look_at_outbox()]

    async def _look_at_outbox(self) -> list[Finding]:
        """An API has no relay of its own: it sees by its messages whether there is a worker."""
        if self._waiting is None:
            return []
        waiting = await self._waiting()
        if waiting > _WORKER_MISSED:
            missed = f"nobody has sent its messages for {waiting.total_seconds():.0f} s; does its worker run?"
            return [Finding("outbox", State.DEGRADED, missed)]
        return [Finding("outbox", State.OK, "messages are sent")]


def _found(state: State, detail: str) -> Finding:
    return Finding("database", state, detail, required=True)
