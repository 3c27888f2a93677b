"""What an operator reads while a server is away: that it is, once for each part that notices, and once that it is back."""

import asyncio
import json
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from kit import servers
from kit.postgres import TestDatabase
from kit.proxy import TcpProxy
from scenarios.arrangements import ROOT, RunningSuite, arrange

from suite.client import Problem
from suite.parts import PARTS
from suite.tour.stage import PATIENCE

pytestmark = pytest.mark.slow
READINESS = "readiness changed"
OTHERS = (READINESS, "audit log")
"""Lines that have nothing to do with how often something was tried: the second marks where the audit log stands."""


def through(url: str, proxy: TcpProxy) -> str:
    parts = urlsplit(url)
    user, at, _ = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{user}{at}127.0.0.1:{proxy.port}").geturl()


@asynccontextmanager
async def proxied(url: str, port: int) -> AsyncIterator[TcpProxy]:
    parts = urlsplit(url)
    proxy = TcpProxy(parts.hostname or "127.0.0.1", parts.port or port)
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.cut()


def logged(log: Path, after: int) -> list[dict[str, Any]]:
    """What was logged after so many characters, at `info` and above. Raises for a line that is no JSON."""
    found = []
    for line in log.read_text()[after:].splitlines():
        text = line.partition(" ")[2].strip()
        found.append(json.loads(text))
    return found


async def outage(suite: RunningSuite, proxy: TcpProxy, call: Callable[[], Awaitable[object]]) -> list[dict[str, Any]]:
    """Six seconds without the server, with calls going on; the lines from the cut until everything is well."""
    before = len(suite.log.read_text())
    await proxy.cut()
    for _ in range(30):
        await call()
        await asyncio.sleep(0.2)
    await proxy.start()
    await suite.processes.ready(["suite"])
    async with asyncio.timeout(PATIENCE), suite.client() as client:
        while (await client.status("/readyz"))[1]["checks"]:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.2)
    await asyncio.sleep(1)
    return logged(suite.log, before)


async def test_an_outage_is_two_lines_for_each_part(tmp_path: Path) -> None:
    for server in ("postgresql", "rabbitmq"):
        servers.require(server)
    database = TestDatabase("outage")
    database.create()
    try:
        async with proxied(database.url, 5432) as postgres, proxied(servers.BROKER_URL, 5672) as rabbit:
            chosen = {
                "QUANYU_DATABASE_URL": through(database.url, postgres),
                "QUANYU_BROKER_URL": through(servers.BROKER_URL, rabbit),
                "QUANYU_LOG_FORMAT": "json",
            }
            async with arrange("servers", tmp_path, database.url, **chosen) as suite, suite.client() as client:
                number = 0

                async def call() -> None:
                    nonlocal number
                    number += 1
                    body = {"id": f"place-{number}", "name": "Warehouse", "kind": "warehouse"}
                    with suppress(Problem):
                        await client.post("/v1/locations", body)

                of_the_broker = await outage(suite, rabbit, call)
                of_the_database = await outage(suite, postgres, call)
    finally:
        database.drop()
    lost, *lasting, back = (line for line in of_the_broker if line["event"] not in OTHERS)
    assert (lost["event"], back["event"]) == ("RabbitMQ is lost", "RabbitMQ is back")
    assert back["seconds"] > 5
    if lasting:  # where others use the machine it lasts longer; then the reason that it stays away is told, once
        assert [line["event"] for line in lasting] == ["RabbitMQ stays lost"]
        assert back["seconds"] > 10
    begun, ended = "the database does not answer", "the database does its work again"
    told = [(line["database"], line["event"]) for line in of_the_database if line["event"] not in OTHERS]
    assert sorted(told) == sorted((part, event) for part in PARTS for event in (begun, ended))
    assert all(line["seconds"] > 4 for line in of_the_database if line["event"] == ended)
    for lines in (
        of_the_broker,
        of_the_database,
    ):  # of what /readyz finds when it is asked: one line each way for each part
        changed = Counter((line["service"], line["state"]) for line in lines if line["event"] == READINESS)
        assert max(changed.values(), default=1) == 1


async def test_a_part_alone_says_its_name_and_no_password(tmp_path: Path) -> None:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("QUANYU_")}
    environment = {
        **inherited,
        "PYTHONPATH": str(ROOT),
        "QUANYU_BROKER_URL": "amqp://quanyu:canary-word@127.0.0.1:1/",
        "QUANYU_LOG_FORMAT": "json",
    }
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "suite", "serve", "inventory", "--port", "0",
        cwd=tmp_path, env=environment, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert child.stderr is not None
    said = ""
    try:
        async with asyncio.timeout(30):
            while "RabbitMQ is lost" not in said:
                said += (await child.stderr.readline()).decode()
        await asyncio.sleep(2)  # tries of the two connections go on
    finally:
        child.terminate()
        said += (await child.stderr.read()).decode()
        await child.wait()
    (lost,) = (json.loads(line) for line in said.splitlines() if "RabbitMQ is" in line)
    assert (lost["process"], lost["level"]) == ("inventory", "warning")
    assert "canary-word" not in said
