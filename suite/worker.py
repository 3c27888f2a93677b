"""A process that does what follows from requests: how `quanyu serve --split` keeps one beside itself."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress

from shared.language import FLAG, spoken
from shared.observability.logging import get_logger
from shared.readiness import Finding, State
from shared.setting_sources import FILE_SUFFIX

STOP_SECONDS = 40
_LONGEST_PAUSE, _LIVED = 15.0, 60.0


class SecondProcess:
    """A worker beside the API, of the same parts on the same data. Hold `running()` open for as long as it is wanted.

    It reads from a pipe that only we hold: when we are killed it sees the end of it, and stops. By another one it says that
    it is up.
    """

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        """`arguments` of `quanyu serve` that both have, and what differs in its environment."""
        self._command = [sys.executable, "-m", "suite", FLAG, spoken(), "serve", *arguments]
        self._command += ["--role", "worker", "--host", "127.0.0.1", "--port", "0"]
        own = {"QUANYU_SPLIT": "false", "QUANYU_DRAIN_SECONDS": "0", **environment}
        inherited = {name: value for name, value in os.environ.items() if name.removesuffix(FILE_SUFFIX) not in own}
        self.environment = {**inherited, **own}
        self._child: asyncio.subprocess.Process | None = None
        self._up = asyncio.Event()
        self._log = get_logger(part="worker")

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Started, started again, and stopped in peace at the end of the block."""
        keeping = asyncio.create_task(self._keep(), name="second process")
        try:
            yield
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
            await self._stop()

    async def look(self) -> Finding:
        """Whether it is at work. Calls are answered without it."""
        if self._up.is_set():
            return Finding("worker process", State.OK, "the worker process runs")
        return Finding("worker process", State.DEGRADED, "the worker process is starting; messages wait meanwhile")

    async def until_up(self, seconds: float) -> None:
        """Wait until it is at work, at most so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._up.wait()

    async def _keep(self) -> None:
        failures = 0
        while True:
            started = time.monotonic()
            code: int | str
            try:
                code = await self._live()
            except OSError as error:  # no memory or no files are left for it now
                code = str(error)
            failures = 0 if time.monotonic() - started > _LIVED else failures + 1
            self._log.error("the worker process ended and is started again", code=code)
            await asyncio.sleep(min(0.25 * 2**failures, _LONGEST_PAUSE))

    async def _live(self) -> int:
        """One life of the process; answers how it ended."""
        heard, told = os.pipe()
        try:
            self._child = child = await asyncio.create_subprocess_exec(
                *self._command,
                "--second",
                str(told),
                env=self.environment,
                stdin=asyncio.subprocess.PIPE,
                pass_fds=(told,),
                start_new_session=True,  # Ctrl-C reaches us alone; we pass it on
            )
        except BaseException:
            os.close(heard)
            raise
        finally:
            os.close(told)
        listening = asyncio.create_task(self._hear(heard))
        try:
            return await child.wait()
        finally:
            self._up.clear()
            listening.cancel()

    async def _hear(self, pipe: int) -> None:
        with os.fdopen(pipe, "rb", buffering=0) as file:
            reader = asyncio.StreamReader()
            transport, _ = await asyncio.get_running_loop().connect_read_pipe(
                lambda: asyncio.StreamReaderProtocol(reader), file
            )
            try:
                if await reader.read(1):  # nothing: it ended before
                    self._up.set()
            finally:
                transport.close()

    async def _stop(self) -> None:
        child = self._child
        if child is None or child.returncode is not None:
            return
        with suppress(ProcessLookupError):
            child.terminate()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await child.wait()
        except TimeoutError:
            child.kill()
            await child.wait()


@asynccontextmanager
async def until_input_ends() -> AsyncIterator[None]:
    """In the second process: the end of our input is the end of the first one, and so ours."""
    following = asyncio.create_task(_follow(), name="follow the first process")
    try:
        yield
    finally:
        following.cancel()


def say_up(pipe: int) -> None:
    """In the second process: tell the first one that we are at work."""
    with suppress(OSError), os.fdopen(pipe, "wb", buffering=0) as file:
        file.write(b"1")


async def _follow() -> None:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()
    os.kill(os.getpid(), signal.SIGTERM)
