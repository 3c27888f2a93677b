"""A part behind a socket: uvicorn with our own signals, because it would stop accepting at once on SIGTERM.

The end of a process: not ready (load balancers turn away), a pause in which each answer ends its connection, no new
connections, requests at work finish and event streams end, then the parts stop. A second signal ends the patience.
"""

import asyncio
import errno
import gc
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

import uvicorn

from shared.language import say
from suite.door.connections import Door
from suite.door.limits import Limits
from suite.door.protocol import DoorProtocol
from suite.errors import Stop

GRACE_SECONDS = 30
_TICKS_A_SECOND = 10
_SCRAPERS = 32
"""Connections at the port for Prometheus, which no caller reaches."""


class _Quiet(uvicorn.Server):
    """Uvicorn without its signal handlers and its own words."""

    def __init__(self, app: Any, **options: Any) -> None:
        plain: dict[str, Any] = {
            "lifespan": "off",
            "ws": "none",
            "log_config": None,
            "access_log": False,
            "server_header": False,
        }
        super().__init__(uvicorn.Config(app, proxy_headers=False, **plain, **options))
        self._leaving = asyncio.Event()

    async def main_loop(self) -> None:
        """A tick whenever its rest is over: at least once a second, for the time of day in the answers."""
        counter = 0
        while not await self.on_tick(counter):
            ticks = self.rest(counter)
            counter += ticks
            with suppress(TimeoutError):
                async with asyncio.timeout(ticks / _TICKS_A_SECOND):
                    await self._leaving.wait()

    def rest(self, counter: int) -> int:
        """Ticks, of which there are ten in a second, until the next one is wanted."""
        return _TICKS_A_SECOND - counter % _TICKS_A_SECOND

    def leave(self) -> None:
        """Stop accepting, and end when the requests at work have ended."""
        self.should_exit = True
        self._leaving.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to whoever runs the server."""
        yield  # the program around it has its own


class Server(_Quiet):
    """Uvicorn behind our own door; `up` is set when it accepts connections."""

    def __init__(self, app: Any, limits: Limits) -> None:
        super().__init__(app, http=DoorProtocol, timeout_graceful_shutdown=GRACE_SECONDS, backlog=limits.backlog)
        self.server_state = self._door = Door(limits)
        self.up = asyncio.Event()

    def drain(self) -> None:
        """Answers end their connections from now on, so that none is closed while a request is on its way in."""
        self._door.draining = True

    async def on_tick(self, counter: int) -> bool:
        """The look at the connections."""
        self._door.check(asyncio.get_running_loop().time())
        return await super().on_tick(counter)

    def rest(self, counter: int) -> int:
        """Ten times a second while somebody is connected."""
        return 1 if self._door.connections else super().rest(counter)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then say so."""
        await super().startup(sockets=sockets)
        self.up.set()


def listen(host: str, port: int) -> socket.socket:
    """Take the address before anything else is started. Raises Stop when that is not possible."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((host, port))
    except OSError as error:
        found.close()
        if error.errno == errno.EADDRINUSE:
            other = port + 1 if port < 65_535 else 8000
            raise Stop(
                say(
                    f"Port {port} is in use: stop the program that has it, or choose another one with --port {other} "
                    f"(make run PORT={other}).",
                    f"端口 {port} 已被占用：请停止占用它的程序，或用 --port {other} 另选一个（make run PORT={other}）。",
                )
            ) from None
        if error.errno == errno.EACCES:
            raise Stop(
                say(
                    f"Port {port} may not be opened by this user: choose one above 1023 with --port.",
                    f"当前用户不能使用端口 {port}：请用 --port 选择大于 1023 的端口。",
                )
            ) from None
        reason = error.strerror or error
        raise Stop(
            say(
                f"Cannot listen on {host}:{port}: {reason}. Check --host.",
                f"无法监听 {host}:{port}：{reason}。请检查 --host。",
            )
        ) from None
    return found


async def serve(
    app: Any,
    address: socket.socket,
    limits: Limits,
    *,
    drain: Callable[[], None],
    drain_seconds: float,
    when_up: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """Serve `app` until SIGTERM or Ctrl-C; `drain` is called first, `when_up` once the first request can be answered.

    An error of `when_up` ends the server and is raised.
    """
    server = Server(app, limits)
    with _signals() as (first, second):
        serving = asyncio.create_task(server.serve(sockets=[address]))
        life = asyncio.create_task(_life(server.up, when_up))
        asked = asyncio.create_task(first.wait())
        await asyncio.wait({serving, life, asked}, return_when=asyncio.FIRST_COMPLETED)
        for task in (life, asked):
            task.cancel()
        outcome, _ = await asyncio.gather(life, asked, return_exceptions=True)
        drain()
        server.drain()
        if first.is_set():
            await _until(second, drain_seconds)
        server.leave()
        impatient = asyncio.create_task(_force(server, second))
        await serving
        impatient.cancel()
    if isinstance(outcome, Exception):
        raise outcome


@asynccontextmanager
async def beside(app: Any, host: str, port: int) -> AsyncIterator[int]:
    """`app` at a port of its own, until the end of the block: for Prometheus, which goes on asking while callers are turned away.

    Gives the port. Raises Stop when it can't be had.
    """
    try:
        address = listen(host, port)
    except Stop:
        raise Stop(
            say(
                f"Figures can't be served at {host}:{port}, which is taken or not ours to take: choose others with "
                "QUANYU_METRICS_PORT and QUANYU_METRICS_HOST.",
                f"无法在 {host}:{port} 提供指标：端口被占用或无权使用。请用 QUANYU_METRICS_PORT 和 QUANYU_METRICS_HOST 换一个。",
            )
        ) from None
    with address:
        server = _Quiet(app, limit_concurrency=_SCRAPERS, timeout_graceful_shutdown=1)
        serving = asyncio.create_task(server.serve(sockets=[address]), name="serve figures")
        try:
            yield int(address.getsockname()[1])
        finally:
            server.leave()
            await serving


async def _life(up: asyncio.Event, when_up: Callable[[], Awaitable[None]] | None) -> None:
    """Ends only by failing or by being cancelled: the server stays up when `when_up` has done its work."""
    await up.wait()
    _settle_memory()
    if when_up is not None:
        await when_up()
    await asyncio.Event().wait()


def _settle_memory() -> None:
    """Take what start-up made (some hundred thousand objects that live for ever) out of the garbage collector's rounds.

    A full collection over them would stop every request for a fifth of a second, again and again under load. Nor is there one
    before: it finds nothing worth its time.
    """
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)


@contextmanager
def _signals() -> Iterator[tuple[asyncio.Event, asyncio.Event]]:
    """Events for the first and the second SIGTERM or Ctrl-C."""
    first, second = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, lambda: (second if first.is_set() else first).set())
    try:
        yield first, second
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


async def _force(server: Server, second: asyncio.Event) -> None:
    await second.wait()
    server.force_exit = True


async def _until(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass  # the usual end: nobody is impatient
