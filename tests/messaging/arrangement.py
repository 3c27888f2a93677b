"""The three arrangements that the conformance suite runs in: which bus, on which servers, and how to take it away."""

import asyncio
import json
import os
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiosqlite
from kit import servers
from kit.broker import swept
from kit.proxy import TcpProxy
from messaging.probe import CONSUMERS, ProbeSettings

from shared.clock import SystemClock
from shared.db import Database
from shared.messaging import Bus, LocalBus
from shared.messaging.rabbit import RabbitBus
from shared.messaging.topology import Topology

RETRY_SECONDS = (0.2, 0.4, 0.6)
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Place:
    """Where bus and database are; goes to child processes as JSON."""

    kind: str
    data_dir: str
    database_url: str | None
    bus_url: str
    prefix: str = field(default_factory=lambda: f"qt-{uuid.uuid4().hex[:12]}")

    def bus(self, *, retry_seconds: tuple[float, ...] = RETRY_SECONDS, watch_seconds: float = 1.0) -> Bus:
        """A new bus object, as one process makes it."""
        if self.kind == "rabbit":
            return RabbitBus(
                self.bus_url, prefix=self.prefix, retry_seconds=retry_seconds, name="qt", watch_seconds=watch_seconds
            )
        return LocalBus(Database(self.bus_url, schema="bus"), SystemClock(), retry_seconds)

    def settings(self) -> ProbeSettings:
        return ProbeSettings(data_dir=Path(self.data_dir), database_url=self.database_url, database_connections=4)


class Arrangement:
    """A place, and the power to take its broker away for a while."""

    def __init__(self, place: Place, proxy: TcpProxy | None) -> None:
        self.place = place
        self.kind = place.kind
        self._proxy = proxy

    @property
    def notices_outage(self) -> bool:
        """False for the SQLite bus, a file that can be held by somebody else but not go away."""
        return self._proxy is not None

    @asynccontextmanager
    async def broker_away(self) -> AsyncIterator[None]:
        if self._proxy is None:
            path = urlsplit(self.place.bus_url).path[1:]
            async with aiosqlite.connect(path, isolation_level=None) as other:
                await other.execute("BEGIN IMMEDIATE")
                yield
                await other.execute("ROLLBACK")
            return
        await self._proxy.cut()
        try:
            yield
        finally:
            await self._proxy.start()

    async def drop_connections(self) -> None:
        """Break what is connected; connecting again succeeds at once."""
        if self._proxy is not None:
            await self._proxy.drop_connections()

    async def child(self, role: str, **options: Any) -> asyncio.subprocess.Process:
        """A process of its own that runs the probe against this place; see `child.py` for the roles."""
        call = json.dumps({"place": asdict(self.place), "role": role, **options})
        path = os.pathsep.join((str(ROOT), str(ROOT / "tests")))
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "messaging.child", call, env={**os.environ, "PYTHONPATH": path}, cwd=ROOT
        )


@asynccontextmanager
async def arrange(kind: str, data_dir: Path, database_url: str | None) -> AsyncIterator[Arrangement]:
    """`kind` is local-sqlite, local-postgresql or rabbit; the two last need `database_url`."""
    if kind == "local-sqlite":
        yield Arrangement(Place(kind, str(data_dir), None, f"sqlite:///{data_dir}/bus.db"), None)
        return
    assert database_url is not None
    target = database_url if kind == "local-postgresql" else servers.BROKER_URL
    proxy = TcpProxy.before(target, 5432 if kind == "local-postgresql" else 5672)
    await proxy.start()
    place = Place(kind, str(data_dir), database_url, proxy.through(target))
    async with AsyncExitStack() as stack:
        if kind == "rabbit":
            await stack.enter_async_context(swept(Topology(place.prefix, (0.05, *RETRY_SECONDS)), CONSUMERS))
        stack.push_async_callback(proxy.cut)
        yield Arrangement(place, proxy)


async def until(condition: Callable[[], Awaitable[bool]], what: str, seconds: float = 60.0) -> None:
    """Wait until `condition` holds. Raises AssertionError with `what` after `seconds`."""
    for _ in range(int(seconds / 0.02)):
        if await condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"not within {seconds:g} s: {what}")
