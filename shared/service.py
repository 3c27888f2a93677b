"""The common shape of every part: what it is built from (Kit), what it consists of (Service), how it lives.

The production command, the all-in-one process and the tests call the same `create_service`, with their own bus and clock.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, Self

from sqlalchemy import Column, MetaData
from sqlmodel import SQLModel
from structlog.typing import FilteringBoundLogger

from shared.clock import Clock
from shared.database_look import DatabaseLook
from shared.db import Database
from shared.db.migrate import upgrade
from shared.figures import Figure, Figures, of_disk, of_loops, of_outbox, of_queues
from shared.loops import Loop, alarm_of
from shared.messaging import Bus, BusUnavailable, Consumer, Outbox, Relay, Subscription
from shared.observability.logging import get_logger
from shared.pruning import Pruner
from shared.readiness import Finding, Journal, Look, Standing, State
from shared.remembered import Remembered
from shared.roles import Role
from shared.settings import ServiceSettings

_RELAY_LOOK, _LOOK = 0.25, 1.0
"""Seconds between looks for messages and for other work where nobody in the process wakes who looks."""
_TOLD = 3
"""Troubles of the bus in one sentence: the others are in the log."""
_CANCEL_AGAIN_SECONDS = 1.0
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
        size, seconds = settings.resolved_database_connections(), settings.database_seconds
        db = Database(settings.resolved_database_url(), schema=name, pool_size=size, seconds=seconds)
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
        looks: Sequence[Look] = (),
    ) -> None:
        """`resources` are further async context managers (by factory) to hold open while the service runs, `looks` further
        ones of readiness.
        """
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
        self.journal = Journal(kit.name, kit.clock, kit.log)
        self.watched: list[Look] = list(looks)
        """Further looks of readiness, such as whether a second process runs."""
        self.loops = [loop for loop in (*own, *loops) if self.role.does(loop.role)]
        if self.role is Role.WORKER:  # requests are answered elsewhere: nobody wakes it
            for loop in self.loops:
                loop.look_oftener(_RELAY_LOOK if loop.tick == relay.tick else _LOOK)
        self._resources = list(resources)
        self._state = "stopped"
        waiting = None if self.role.works else partial(relay.waiting, kit.clock)
        self._database = Remembered(DatabaseLook(kit.db, kit.metadata, kit.migrations, kit.clock, waiting).findings)
        self.figures = Figures(self.name)
        self.figures.add(self._readiness_figures, partial(of_outbox, self.name, relay, kit.clock))
        self.figures.add(partial(of_loops, self.name, self.loops), partial(of_disk, kit.settings.data_dir))
        if self.role.works:
            consumers = [subscription.consumer for subscription in self.subscriptions]
            self.figures.add(partial(of_queues, kit.bus, consumers))
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
                asyncio.create_task(loop.run(self.name, kit.log, self._is_told), name=f"{self.name} {loop.name}")
                for loop in self.loops
            ]
            alarm = alarm_of(self.loops, self.name, kit.db, kit.clock)
            tasks.append(asyncio.create_task(alarm.run(), name=f"{self.name} alarm"))
            stack.push_async_callback(_cancel, tasks)
            stack.enter_context(self.figures.offered())
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

    def _is_told(self, error: BaseException) -> bool:
        """True for what the bus or the database tells of itself."""
        return isinstance(error, BusUnavailable) or self.kit.db.condition.has_told(error)

    @property
    def started(self) -> bool:
        """True from the first moment at which it ran."""
        return self._state not in ("stopped", "starting")

    async def readiness(self) -> list[Standing]:
        """How the part is, check by check. Cheap: costly looks are believed for a second."""
        running = self._state == "running"
        state, detail = (State.OK, "runs") if running else (State.DOWN, f"is {self._state}")
        found = [Finding("process", state, detail, required=True)]
        if running:
            found += await self._database.read()
            found += [self._bus(), self._loops()] if self.role.works else [self._loops()]
            found += await asyncio.gather(*(look() for look in self.watched))
        return self.journal.note(found)

    async def _readiness_figures(self) -> Sequence[Figure]:
        """The journal keeps its own gauge; it is to tell of now, though nobody asks `/readyz`."""
        await self.readiness()
        return ()

    def _bus(self) -> Finding:
        """Messages wait in the outbox meanwhile: nothing that was accepted depends on the bus."""
        # What stands behind a colon names servers and addresses: that is for the log.
        # All connections to one broker are away together: that is told once.
        sentences = list(dict.fromkeys(sentence.partition(":")[0] for sentence in self.kit.bus.health()))
        return (
            Finding("bus", State.DEGRADED, "; ".join(sentences[:_TOLD]))
            if sentences
            else Finding("bus", State.OK, "answers")
        )

    def _loops(self) -> Finding:
        stale = [f"loop {loop.name} has not succeeded lately" for loop in self.loops if loop.stale()]
        return Finding("loops", State.DEGRADED, "; ".join(stale)) if stale else Finding("loops", State.OK, "go round")


def _forgotten(metadata: MetaData) -> dict[Column[Any], timedelta]:
    """Inbox entries and idempotency records go when nobody would repeat the message or the call any more."""
    inbox, idempotency = metadata.tables["inbox"], metadata.tables["idempotency"]
    return {inbox.c.received_at: _INBOX_KEPT, idempotency.c.created_at: _IDEMPOTENCY_KEPT}


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    """End them. A cancellation may be lost on its way: a rollback on a lost connection raises what it failed with instead."""
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=_CANCEL_AGAIN_SECONDS)
    await asyncio.gather(*tasks, return_exceptions=True)
