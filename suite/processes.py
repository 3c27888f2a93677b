"""Each part as a process of its own on this machine, as production has them: `quanyu full`, and the scenario tests.

No restarts: a part that ends unasked ends the whole arrangement, loudly. In production a real supervisor takes this place.
"""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from shared.language import FLAG, say, spoken
from shared.observability.masks import visible
from suite import announcement
from suite.client import Client
from suite.errors import Stop
from suite.parts import PARTS, SERVICES
from suite.settings import SuiteSettings

WHOLE = "suite"
READY_SECONDS = 60
STOP_SECONDS = 40
COLOURS = {"coupon": "magenta", "segments": "cyan", "journey": "yellow", "inventory": "green", "gateway": "blue"}


@dataclass
class Process:
    """One part that runs: its process and the task that copies its output."""

    name: str
    child: asyncio.subprocess.Process
    reader: asyncio.Task[None]


class Processes:
    """Starts parts with `environment` on `ports`; each line of output is passed on with the part's name before it.

    The name `suite` stands for all parts in one process. `folder` is where the processes work (and look for `.env`).
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        ports: Mapping[str, int],
        console: Console,
        host: str = "127.0.0.1",
        folder: Path | None = None,
    ) -> None:
        self.ports = ports
        self._host = host
        self._folder = folder
        self._environment = {**environment, "PYTHONUNBUFFERED": "1"}
        for name in SERVICES:
            if name in ports:
                self._environment[f"QUANYU_{name.upper()}_URL"] = f"http://127.0.0.1:{ports[name]}"
        self._console = console
        self.running: dict[str, Process] = {}

    def host_of(self, name: str) -> str:
        """The services listen on this machine only; the door where it was told to."""
        return "127.0.0.1" if name in SERVICES else self._host

    def url_of(self, name: str) -> str:
        """Where a part listens."""
        return f"http://{self.host_of(name)}:{self.ports[name]}"

    async def start(self, name: str) -> None:
        """Start one part; does not wait for it."""
        part = () if name == WHOLE else (name,)
        place = ("--host", self.host_of(name), "--port", str(self.ports[name]))
        child = await self._spawn("serve", *part, *place, **self._figures_of(name))
        self.running[name] = Process(name, child, asyncio.create_task(self._copy(name, child)))

    async def prepare(self) -> None:
        """Tables and queues of every part. Raises Stop when that fails."""
        child = await self._spawn("migrate")
        await self._copy("migrate", child)
        if await child.wait() != 0:
            raise Stop(say("The tables could not be made; the lines above say why.", "建表失败，原因见上文。"))

    async def ready(self, names: Iterable[str]) -> None:
        """Wait until each of these parts answers that it is ready. Raises Stop, at once when one of all parts has ended."""
        waiting = asyncio.create_task(self._ready(names))
        ended = asyncio.create_task(self.first_end())
        try:
            await asyncio.wait({waiting, ended}, return_when=asyncio.FIRST_COMPLETED)
            if not waiting.done():
                name = ended.result().name
                raise Stop(
                    say(
                        f"{name} ended by itself; the lines above say why.",
                        f"{name} 自行结束，原因见上文。",
                    )
                )
            waiting.result()
        finally:
            waiting.cancel()
            ended.cancel()

    async def _ready(self, names: Iterable[str]) -> None:
        for name in names:
            async with Client(self.url_of(name), "") as client:
                await client.until_ready(READY_SECONDS)

    async def first_end(self) -> Process:
        """The first part that ends, whyever."""
        waits = {asyncio.create_task(one.child.wait()): one for one in self.running.values()}
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            return waits[done.pop()]
        finally:
            for wait in waits:
                wait.cancel()

    async def kill(self, name: str) -> None:
        """End a part as a power cut would (SIGKILL)."""
        process = self.running.pop(name)
        process.child.kill()
        await process.child.wait()
        await process.reader

    async def stop(self) -> None:
        """SIGTERM to all; who has not gone after STOP_SECONDS is killed."""
        processes = list(self.running.values())
        self.running.clear()
        for process in processes:
            if process.child.returncode is None:
                process.child.terminate()
        for process in processes:
            try:
                async with asyncio.timeout(STOP_SECONDS):
                    await process.child.wait()
            except TimeoutError:
                self._console.print(
                    say(
                        f"{process.name} does not stop by itself; it is killed.",
                        f"{process.name} 没有自行停止，强制结束。",
                    )
                )
                process.child.kill()
                await process.child.wait()
            await process.reader

    def _figures_of(self, name: str) -> dict[str, str]:
        """The port for figures: the door has the one that is set, the services those that follow."""
        first = self._environment.get("QUANYU_METRICS_PORT")
        return {"QUANYU_METRICS_PORT": str(int(first) + PARTS[::-1].index(name))} if first and name in PARTS else {}

    async def _spawn(self, *arguments: str, **other: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "suite", FLAG, spoken(), *arguments,
            env={**self._environment, **other}, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            cwd=self._folder,
            start_new_session=True,  # Ctrl-C reaches us alone; we pass it on in order
        )  # fmt: skip

    async def _copy(self, name: str, child: asyncio.subprocess.Process) -> None:
        if child.stdout is None:
            return
        while line := await child.stdout.readline():
            text = visible(line.decode(errors="replace").rstrip())
            self._console.print(f"[{COLOURS.get(name, 'white')}]{name:<10}[/]", end="")
            self._console.print(text, markup=False, soft_wrap=True)


async def supervise(settings: SuiteSettings) -> None:
    """Run all parts until Ctrl-C or until one ends. Raises Stop for missing servers and for a part that ended."""
    _check(settings)
    console = Console(highlight=False)
    ports = {name: free_port() for name in SERVICES} | {"gateway": settings.port}
    environment = {**os.environ, "QUANYU_DATA_DIR": str(settings.data_dir)}
    if settings.metrics_port:
        environment["QUANYU_METRICS_PORT"] = str(settings.metrics_port)
    processes = Processes(environment, ports, console, settings.host)
    loop, asked = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, asked.set)
    try:
        await processes.prepare()
        for name in PARTS:
            await processes.start(name)
        ended = asyncio.create_task(processes.first_end())
        up = asyncio.create_task(_up(processes, settings))
        stop = asyncio.create_task(asked.wait())
        await asyncio.wait({ended, stop, up}, return_when=asyncio.FIRST_COMPLETED)
        for task in (ended, up, stop):
            task.cancel()
        if up.done() and not up.cancelled() and (error := up.exception()):
            raise error
        if ended.done() and not ended.cancelled():
            name = ended.result().name
            raise Stop(
                say(
                    f"{name} ended by itself; the lines above say why. All parts are stopped.",
                    f"{name} 自行结束，原因见上文。所有部分均已停止。",
                )
            )
    finally:
        await processes.stop()


async def _up(processes: Processes, settings: SuiteSettings) -> None:
    await processes.ready(PARTS)
    url = processes.url_of("gateway")
    async with Client(url, "") as client:
        status, told = await client.status("/readyz")
    announcement.announce(url, None, settings.data_dir / "admin.key", status == 200, (told or {}).get("checks", []))
    await asyncio.Event().wait()


def _check(settings: SuiteSettings) -> None:
    missing = []
    if not settings.database_url or not settings.database_url.startswith("postgresql"):
        missing.append("QUANYU_DATABASE_URL (postgresql://user:password@host/database)")
    if settings.broker_url is None:
        missing.append("QUANYU_BROKER_URL (amqp://user:password@host/)")
    if missing:
        raise Stop(
            say(
                f"Each part as a process of its own needs {', '.join(missing)}. `make run` needs neither.",
                f"各部分分别作为进程运行需要 {', '.join(missing)}。`make run` 则都不需要。",
            )
        )


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
