"""The ways to run the suite that the scenarios are played in: real processes on free ports, cleaned up afterwards."""

import asyncio
import os
import signal
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kit import servers
from kit.broker import swept
from rich.console import Console

from shared.messaging.topology import Topology
from suite import wiring
from suite.client import Client, NotRunning, Problem
from suite.parts import PARTS
from suite.processes import WHOLE, Processes, free_port

ROOT = Path(__file__).resolve().parents[2]
RETRY_SECONDS = (1.0, 5.0, 30.0)
SPLIT = "split"
"""Embedded, with a second process for what follows from requests."""
ON_FILES = ("embedded", SPLIT)
WORKER = "worker"
"""That second process, which the first one starts again."""


@dataclass
class RunningSuite:
    """A suite of one or five processes. `door` is the process that answers at `url`."""

    kind: str
    processes: Processes
    environment: dict[str, str]
    data_dir: Path
    door: str
    log: Path

    @property
    def url(self) -> str:
        return self.processes.url_of(self.door)

    @property
    def parts(self) -> list[str]:
        return list(self.processes.ports)

    @property
    def key(self) -> str:
        return (self.data_dir / "admin.key").read_text().strip()

    def client(self, *, stubborn: bool = False) -> Client:
        return (StubbornClient if stubborn else Client)(self.url, self.key)

    async def kill_and_restart(self, *parts: str) -> None:
        """SIGKILL, and at once a new process of the same part, as a supervisor would; of several all at the same time."""
        await asyncio.gather(*(self._kill_and_restart(part) for part in parts))

    async def _kill_and_restart(self, part: str) -> None:
        if part == WORKER:
            for pid in _children(self.processes.running[WHOLE].child.pid):
                os.kill(pid, signal.SIGKILL)
            return
        await self.processes.kill(part)
        await self.processes.start(part)


def _children(pid: int) -> list[int]:
    """The processes that this one started."""
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


class StubbornClient(Client):
    """A merchant's program as it should be: repeats a call that got no answer. What the story calls while something is
    killed is idempotent by the caller's own ids (order_id) or by the state that it asks for.
    """

    async def call(self, method: str, path: str, body: Any = None, headers: Any = None) -> Any:
        for _ in range(600):
            try:
                return await super().call(method, path, body, headers)
            except NotRunning:
                pass
            except Problem as error:
                if error.status not in (429, 502, 503, 504):
                    raise
            await asyncio.sleep(0.1)
        return await super().call(method, path, body, headers)


@asynccontextmanager
async def arrange(kind: str, folder: Path, database_url: str | None, **other: str) -> AsyncIterator[RunningSuite]:
    """Start the suite in this arrangement; `database_url` is an empty PostgreSQL database where it needs one, `other` are
    further variables.
    """
    names = PARTS if kind == "each_alone" else (WHOLE,)
    prefix = f"qs-{uuid.uuid4().hex[:12]}"
    environment = _environment(kind, folder, database_url, prefix) | other
    log = folder / "processes.log"
    async with AsyncExitStack() as stack:
        output = stack.enter_context(log.open("w"))
        if kind not in ON_FILES:
            await stack.enter_async_context(swept(Topology(prefix, RETRY_SECONDS), _consumers(folder)))
        console = Console(file=output, width=400, color_system=None)
        processes = Processes(environment, {name: free_port() for name in names}, console, folder=folder)
        running = RunningSuite(kind, processes, environment, folder / "data", names[-1], log)
        try:
            if kind == "each_alone":
                await processes.prepare()
            for name in names:
                await processes.start(name)
            await processes.ready(names)
            yield running
        except BaseException:
            output.flush()
            print(log.read_text()[-20_000:])  # pytest shows it with the failure
            raise
        finally:
            await processes.stop()


def _environment(kind: str, folder: Path, database_url: str | None, prefix: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("QUANYU_")}
    environment = {
        **inherited,
        "PYTHONPATH": str(ROOT),
        "QUANYU_DATA_DIR": str(folder / "data"),
        "QUANYU_WEBHOOKS_ALLOW_PRIVATE": "true",
        "QUANYU_TOUR_PORT": "0",
        "QUANYU_GATEWAY_FAILURES_PER_MINUTE": "1000000",  # strangers of the tests all come from one address
        "QUANYU_WEBHOOKS_OUT_SCHEDULE_SECONDS": "[0,0.5,1,1,2,2,5,5,5]",
        "QUANYU_ACCESS_LOG": "false",
        "QUANYU_BUS_RETRY_SECONDS": str(list(RETRY_SECONDS)),
    }
    if kind == SPLIT:
        environment["QUANYU_SPLIT"] = "true"
    if kind not in ON_FILES:
        assert database_url is not None
        environment |= {
            "QUANYU_DATABASE_URL": database_url,
            "QUANYU_DATABASE_CONNECTIONS": "4" if kind == "each_alone" else "18",
            "QUANYU_BROKER_URL": servers.BROKER_URL,
            "QUANYU_BROKER_PREFIX": prefix,
        }
    return environment


def _consumers(folder: Path) -> set[str]:
    from shared.clock import SystemClock
    from shared.db import Database
    from shared.messaging import LocalBus

    bus = LocalBus(Database("sqlite:///unused.db", schema="bus"), SystemClock())
    parts = [wiring.build(name, {"data_dir": folder}, bus) for name in PARTS]
    return {subscription.consumer for part in parts for subscription in part.subscriptions}
