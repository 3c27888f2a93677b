"""Starts what a benchmark measures: the suite on a free port with fresh data, PostgreSQL databases of its own, pgbench."""

import asyncio
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import asyncpg

ROOT = Path(__file__).parents[1]
POSTGRES = os.environ.get("QUANYU_TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/postgres")


@dataclass(frozen=True)
class Suite:
    """A running suite: everything in one process, as `quanyu serve` starts it."""

    port: int
    key: str
    backend: str
    pid: int

    def cpu_seconds(self) -> float:
        """Of the process and of those that it started."""
        return _cpu_seconds(self.pid)


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    own = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return own + sum(_cpu_seconds(int(child)) for child in children)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def execute(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


@contextmanager
def database() -> Iterator[str]:
    """A PostgreSQL database of its own; its URL."""
    name = f"quanyu_bench_{os.getpid()}_{secrets.token_hex(3)}"
    asyncio.run(execute(POSTGRES, f'CREATE DATABASE "{name}"'))
    try:
        yield POSTGRES.rsplit("/", 1)[0] + "/" + name
    finally:
        asyncio.run(execute(POSTGRES, f'DROP DATABASE "{name}" WITH (FORCE)'))


@contextmanager
def suite(backend: str, *flags: str, **settings: str) -> Iterator[Suite]:
    """`quanyu serve` with `flags` on `sqlite` or `postgresql`, with an administrator key, torn down afterwards."""
    from gateway.keys.management import new_key

    key = new_key("secret")
    folder = tempfile.mkdtemp(prefix="quanyu-bench-")
    port = free_port()
    with database() if backend == "postgresql" else nullcontext("") as url:
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("QUANYU_")},
            "QUANYU_ADMIN_KEY": key,
            "QUANYU_LOG_LEVEL": "warning",
            "QUANYU_WEBHOOKS_ALLOW_PRIVATE": "true",
            **({"QUANYU_DATABASE_URL": url} if url else {}),
            **settings,
        }
        command = [sys.executable, "-m", "suite", "serve", "--port", str(port), "--data-dir", folder, *flags]
        try:
            with _serving(command, environment, port) as process:
                yield Suite(port, key, backend, process.pid)
        finally:
            shutil.rmtree(folder)


@contextmanager
def bare() -> Iterator[Suite]:
    """The yardstick of the hot paths (`bench.bare`), on a database of its own."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "bench.bare:app", "--loop", "uvloop", "--http", "httptools"]
    command += ["--no-access-log", "--log-level", "warning", "--port", str(port)]
    with database() as url, _serving(command, {**os.environ, "BARE_URL": url}, port) as process:
        yield Suite(port, "none", "postgresql", process.pid)


@contextmanager
def _serving(command: list[str], environment: dict[str, str], port: int) -> Iterator[subprocess.Popen[bytes]]:
    """A server that is ready, torn down afterwards."""
    with tempfile.NamedTemporaryFile("wb", suffix=".log") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        try:
            _wait_ready(port, process, Path(log.name))
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_ready(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise SystemExit(f"the server did not start:\n{log.read_text()[-3000:]}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the server was not ready within 60 seconds")


def pgbench(url: str, script: str, *, clients: int = 32, seconds: int = 5) -> float:
    """Transactions a second of `script`, by pgbench."""
    binary = shutil.which("pgbench") or next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin/pgbench"))), None)
    if binary is None:
        raise SystemExit("pgbench is missing; it comes with PostgreSQL's client programs")
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(script)
        file.flush()
        arguments = ["-n", "-f", file.name, "-c", str(clients), "-j", "2", "-T", str(seconds), "-M", "simple", url]
        output = subprocess.run([str(binary), *arguments], capture_output=True, text=True, check=True).stdout
    found = re.search(r"tps = ([0-9.]+) \(without initial connection time\)", output)
    assert found, output
    return float(found[1])
