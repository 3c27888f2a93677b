"""Attack 39, on real processes that may open 1024 files: 1,100 connections of strangers, and what the merchant notices."""

import asyncio
import os
import resource
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from statistics import median

import httpx
import pytest
from kit import servers
from kit.broker import swept

from gateway.keys.management import new_key
from shared.clock import SystemClock
from shared.db import Database
from shared.messaging import LocalBus
from shared.messaging.topology import Topology
from suite import wiring

ROOT = Path(__file__).parents[2]
STRANGERS = 1_100
KEY = new_key("secret")
RETRY_SECONDS = (1.0,)


@pytest.fixture(autouse=True)
def _the_attacker_may_open_more() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@asynccontextmanager
async def serving(part: str | None, folder: Path, prefix: str) -> AsyncIterator[str]:
    """`quanyu serve` behind `ulimit -n 1024`; its URL."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("QUANYU_")} | {
        "PYTHONPATH": str(ROOT),
        "QUANYU_DATA_DIR": str(folder),
        "QUANYU_ADMIN_KEY": KEY,
        "QUANYU_ACCESS_LOG": "false",
    }
    async with AsyncExitStack() as stack:
        if part is not None:
            environment |= {
                "QUANYU_BROKER_URL": servers.BROKER_URL,
                "QUANYU_BROKER_PREFIX": prefix,
                "QUANYU_BUS_RETRY_SECONDS": str(list(RETRY_SECONDS)),
            }
            bus = LocalBus(Database("sqlite:///unused.db", schema="bus"), SystemClock())
            consumers = {one.consumer for one in wiring.build(part, {}, bus).subscriptions}
            await stack.enter_async_context(swept(Topology(prefix, RETRY_SECONDS), consumers))
        port = servers.free_port()
        with (folder / "log").open("w") as log:
            child = await asyncio.create_subprocess_exec(
                "sh", "-c", 'ulimit -n 1024; exec "$@"', "sh",
                sys.executable, "-m", "suite", "serve", *([part] if part else []), "--port", str(port),
                env=environment, cwd=folder, stdout=log, stderr=log,
            )  # fmt: skip
        try:
            url = f"http://127.0.0.1:{port}"
            async with httpx.AsyncClient(base_url=url) as client, asyncio.timeout(90):
                while child.returncode is None and not await _ready(client):  # noqa: ASYNC110 - it answers when it does
                    await asyncio.sleep(0.2)
            assert child.returncode is None, (folder / "log").read_text()
            yield url
        finally:
            if child.returncode is None:
                child.terminate()
            await child.wait()


async def _ready(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/readyz")).status_code == 200
    except httpx.TransportError:
        return False


async def times(call: Callable[[], Awaitable[httpx.Response]], number: int) -> list[float]:
    found = []
    for _ in range(number):
        started = time.perf_counter()
        answer = await call()
        found.append(time.perf_counter() - started)
        assert answer.is_success, answer.text
    return found


class Strangers:
    """They connect, send one byte and wait; who is turned out comes again."""

    def __init__(self, url: str, *, many_addresses: bool) -> None:
        self._target = ("127.0.0.1", int(url.rpartition(":")[2]))
        self._many = many_addresses
        self._made = 0
        self.open: list[socket.socket] = []

    def connect(self) -> None:
        self._made += 1
        one = socket.socket()
        one.settimeout(5)
        if self._many:
            one.bind((f"127.0.{1 + self._made // 200 % 200}.{1 + self._made % 200}", 0))
        try:
            one.connect(self._target)
            one.send(b"G")
        except OSError:
            one.close()  # turned out at once
        else:
            self.open.append(one)

    async def go_on(self) -> None:
        """About a thousand new connections a second, with the oldest let go on our side."""
        while True:
            for _ in range(10):
                self.connect()
                if len(self.open) > STRANGERS:
                    self.open.pop(0).close()
            await asyncio.sleep(0.01)

    def close(self) -> None:
        for one in self.open:
            one.close()


@pytest.mark.slow
@pytest.mark.parametrize("many_addresses", [False, True], ids=["one_address", "many_addresses"])
@pytest.mark.parametrize("part", [None, "inventory"], ids=["embedded", "a_part_alone"])
async def test_strangers_by_the_thousand_stop_nobody(part: str | None, many_addresses: bool, tmp_path: Path) -> None:
    if part is not None:
        servers.require("rabbitmq")
    number = 0

    async with serving(part, tmp_path, f"qa-{os.urandom(6).hex()}") as url:

        async def merchant() -> httpx.Response:
            """A write and a read, on a connection of their own as on a kept one."""
            nonlocal number
            number += 1
            client = kept if number % 2 else httpx.AsyncClient(base_url=url, headers=kept.headers, timeout=30)
            if part is not None:  # nobody but the gateway may ask it more; this reads its database
                answer = await client.get("/readyz")
            else:
                body = {"id": f"w{number}", "name": "Warehouse", "kind": "warehouse"}
                assert (await client.post("/v1/locations", json=body)).status_code == 201
                answer = await client.get(f"/v1/locations/w{number}")
            if client is not kept:
                await client.aclose()
            return answer

        headers = {"authorization": f"Bearer {KEY}"}
        async with httpx.AsyncClient(base_url=url, headers=headers, timeout=30) as kept:
            peace = median(await times(merchant, 20))
            strangers = Strangers(url, many_addresses=many_addresses)
            for _ in range(STRANGERS):
                strangers.connect()
            attacking = asyncio.create_task(strangers.go_on())
            try:
                attacked = await times(merchant, 40)
                assert (await kept.get("/readyz")).status_code == 200
            finally:
                attacking.cancel()
                strangers.close()
            assert median(attacked) < 5 * peace + 0.1, (peace, median(attacked), max(attacked))
            metrics = (await kept.get("/metrics")).text
            assert 'quanyu_door_refused_total{reason="gave_way"}' in metrics
    log = (tmp_path / "log").read_text()
    assert "Too many open files" not in log
    assert "unable to open database" not in log
