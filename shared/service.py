"""The common shape of every part: what it is built from (Kit), what it consists of (Service), how it lives.

The production command, the all-in-one process and the tests call the same `create_service`, with their own bus and clock.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Self

from sqlalchemy import Column, MetaData, text
from sqlmodel import SQLModel
from structlog.typing import FilteringBoundLogger

from shared.clock import Clock
from shared.db import Database, Trouble, kind_of
from shared.db.migrate import NewerSchema, pending, upgrade
from shared.db.probe import trouble_of
from shared.loops import Loop, alarm_of
from shared.messaging import Bus, Consumer, Outbox, Relay, Subscription
from shared.observability.logging import get_logger
from shared.pruning import Pruner
from shared.remembered import Remembered
from shared.roles import Role
from shared.settings import ServiceSettings

_RELAY_LOOK, _LOOK = 0.25, 1.0
"""Seconds between looks for messages and for other work where nobody in the process wakes who looks."""
_WORKER_MISSED = timedelta(seconds=30)
_INBOX_KEPT = timedelta(days=14)
_IDEMPOTENCY_KEPT = timedelta(days=7)


@dataclass(frozen=True)
class Kit:
    """What a part stands on. Opens no connection before the service runs."""

    name: str
    settings: ServiceSettings
    bus: Bus
    clock: Clock
    db: Database
    outbox: Outbox
    metadata: MetaData
    migrations: str
    log: FilteringBoundLogger
    secret: str = field(repr=False)
    """What gateway and services share."""

    @classmethod
    def create(
        cls, name: str, settings: ServiceSettings, bus: Bus, clock: Clock, *, base: type[SQLModel], migrations: str
    ) -> Self:
        """`base` is the part's table base, `migrations` the dotted name of its migrations folder."""
        db = Database(settings.resolved_database_url(), schema=name, pool_size=settings.resolved_database_connections())
        outbox = Outbox(base.metadata, clock)
        log, secret = get_logger(service=name), settings.resolved_internal_secret()
        return cls(name, settings, bus, clock, db, outbox, base.metadata, migrations, log, secret)


class Service:
    """One whole part: its web application, its consumers and its loops."""

    def __init__(
        self,
        kit: Kit,
        app: Any,
        subscriptions: Sequence[Subscription] = (),
        loops: Sequence[Loop] = (),
        resources: Sequence[Callable[[], Any]] = (),
    ) -> None:
        """`resources` are further async context managers (by factory) to hold open while the service runs."""
        self.kit = kit
        self.name = kit.name
        self.app = app
        self.subscriptions = list(subscriptions)
        relay = Relay(kit.name, kit.db, kit.outbox, kit.bus)
        self.relay = relay
        own = [
            Loop("relay messages", relay.tick, gather=True, wake=kit.outbox.wake),
            Loop(
                "prune inbox and answers", Pruner(kit.db, kit.clock, _forgotten(kit.metadata)).tick, 3600.0, timed=True
            ),
        ]
        self.role = kit.settings.role
        self.watched: list[Callable[[], list[str]]] = []
        """Further answers to what keeps it from serving, such as a second process that should run."""
        self.loops = [loop for loop in (*own, *loops) if self.role.does(loop.role)]
        if self.role is Role.WORKER:  # requests are answered elsewhere: nobody wakes it
            for loop in self.loops:
                loop.look_oftener(_RELAY_LOOK if loop.tick == relay.tick else _LOOK)
        self._resources = list(resources)
        self._state = "stopped"
        self._migrated = False
        self._database = Remembered(self._look_at_database)
        if hasattr(app, "state"):
            app.state.service = self

    async def declare(self) -> None:
        """Make the queues, so that nothing published from now on is missed."""
        for subscription in self.subscriptions if self.role.works else ():
            await self.kit.bus.declare(subscription.consumer, subscription.names)

    async def migrate(self) -> None:
        """Bring the part's tables to the newest revision."""
        await upgrade(self.kit.db, self.kit.migrations, self.kit.metadata)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        """The service's life: migrated, consuming and looping inside the block; drained and closed after it."""
        from contextlib import AsyncExitStack

        kit = self.kit
        async with AsyncExitStack() as stack:
            stack.push_async_callback(kit.db.close)
            if kit.settings.migrate_on_start:
                await self.migrate()
            for resource in self._resources:
                await stack.enter_async_context(resource())
            for subscription in self.subscriptions if self.role.works else ():
                consumer = Consumer(kit.db, kit.metadata, kit.clock, subscription)
                await kit.bus.subscribe(subscription.consumer, subscription.names, consumer.deliver)
                stack.push_async_callback(kit.bus.unsubscribe, subscription.consumer)
            tasks = [
                asyncio.create_task(loop.run(self.name, kit.log), name=f"{self.name} {loop.name}")
                for loop in self.loops
            ]
            alarm = alarm_of(self.loops, self.name, kit.db, kit.clock)
            tasks.append(asyncio.create_task(alarm.run(), name=f"{self.name} alarm"))
            stack.push_async_callback(_cancel, tasks)
            self._state = "running"
            stack.callback(self.drain)
            yield self

    def drain(self) -> None:
        """Stop being ready; requests at work may finish."""
        self._state = "draining"

    async def tick(self) -> None:
        """Run each loop until it has no more work at once (for tests that move the clock themselves)."""
        for loop in self.loops:
            for _ in range(1000):
                if await loop.tick() is not True:
                    break

    async def readiness(self) -> list[str]:
        """What keeps the part from serving, one sentence each; empty when it is ready."""
        if self._state != "running":
            return [f"{self.name} is {self._state}"]
        problems = [f"{self.name}: {sentence}" for sentence in (self.kit.bus.health() if self.role.works else ())]
        problems += [f"{self.name}: loop {loop.name} has not succeeded lately" for loop in self.loops if loop.stale()]
        problems += [f"{self.name}: {sentence}" for ask in self.watched for sentence in ask()]
        return problems + await self._database.read()

    async def _trouble(self) -> Trouble | None:
        """What keeps the database from being written to."""
        async with asyncio.timeout(3):
            return await trouble_of(self.kit.db, self.kit.metadata, self.kit.clock.now())

    async def _look_at_database(self) -> list[str]:
        name = self.name
        try:
            async with asyncio.timeout(3), self.kit.db.read() as tx:
                await tx.execute(text("SELECT 1"))
            # Tables that are there stay: to read the migrations again would cost more than all else that readiness asks.
            self._migrated = self._migrated or not await pending(self.kit.db, self.kit.migrations)
            waiting = timedelta() if self.role.works or not self._migrated else await self.relay.waiting(self.kit.clock)
            trouble = await self._trouble() if self._migrated else None
        except NewerSchema as error:
            return [f"{name}: the database is newer than this version: {error}"]
        except Exception as error:
            found = kind_of(error) or Trouble.AWAY
            return [f"{name}: the database {found.value} ({type(error).__name__})"]
        if trouble is not None:
            return [f"{name}: the database {trouble.value}"]
        if not self._migrated:
            return [f"{name}: the database is not migrated; run `quanyu migrate`"]
        if waiting > _WORKER_MISSED:
            return [f"{name}: nobody has sent its messages for {waiting.total_seconds():.0f} s; does its worker run?"]
        return []


def _forgotten(metadata: MetaData) -> dict[Column[Any], timedelta]:
    """Inbox entries and idempotency records go when nobody would repeat the message or the call any more."""
    inbox, idempotency = metadata.tables["inbox"], metadata.tables["idempotency"]
    return {inbox.c.received_at: _INBOX_KEPT, idempotency.c.created_at: _IDEMPOTENCY_KEPT}


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
