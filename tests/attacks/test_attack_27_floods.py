"""Attacks 20 and 27 on real processes: strangers flood the door with what cost most, and a merchant is served."""

import asyncio
import gzip
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median

import httpx
import pytest
from kit import servers
from kit.postgres import TestDatabase
from scenarios.arrangements import RunningSuite, arrange

from gateway.keys.management import new_key

STRANGERS = 4
BOMB = gzip.compress(b"0" * (4 << 20))


def request(line: str, *headers: str, body: bytes = b"") -> bytes:
    head = [line + " HTTP/1.1", "host: x", f"content-length: {len(body)}", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


FLOODS: dict[str, Callable[[], bytes]] = {
    "bombs": lambda: request("POST /v1/track", "content-encoding: gzip", body=BOMB),
    "readyz": lambda: request("GET /readyz"),
    "openapi": lambda: request("GET /openapi.json", "accept-encoding: gzip"),
    "metrics": lambda: request("GET /metrics"),
    "keys": lambda: request("GET /v1/coupons", f"x-api-key: {new_key('secret')}"),
    "nothing": lambda: request("DELETE /v1/no/such/path"),
}


async def stranger(port: int, made: Callable[[], bytes], answers: list[int]) -> None:
    """One request after the other, as fast as they are answered; again when hung up on."""
    while True:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            while True:
                writer.write(made())
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                answers.append(int(head.split()[1]))
                length = next(line for line in head.split(b"\r\n") if line.startswith(b"content-length:"))
                await reader.readexactly(int(length.split(b":")[1]))
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def flooded(port: int, made: Callable[[], bytes]) -> AsyncIterator[list[int]]:
    answers: list[int] = []
    strangers = [asyncio.create_task(stranger(port, made, answers)) for _ in range(STRANGERS)]
    try:
        await asyncio.sleep(0.3)
        yield answers
    finally:
        for one in strangers:
            one.cancel()
        await asyncio.gather(*strangers, return_exceptions=True)


async def waits(client: httpx.AsyncClient, calls: int) -> list[float]:
    """Seconds that a merchant waits for an answer."""
    found = []
    for _ in range(calls):
        began = time.perf_counter()
        assert (await client.get("/v1/coupon-templates")).status_code == 200
        found.append(time.perf_counter() - began)
    return found


@pytest.fixture(params=["embedded", "each_alone"])
async def suite(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[RunningSuite]:
    url: str | None = None
    if request.param != "embedded":
        servers.require("rabbitmq")
        database: TestDatabase = request.getfixturevalue("_worker_database")
        database.create()
        url = database.url
    async with arrange(request.param, tmp_path, url) as running:
        yield running


async def test_attack_27_a_merchant_is_served_while_strangers_flood_the_door(suite: RunningSuite) -> None:
    port = int(suite.url.rpartition(":")[2])
    headers = {"authorization": f"Bearer {suite.key}"}
    async with httpx.AsyncClient(base_url=suite.url, headers=headers, timeout=30) as merchant:
        await merchant.get("/openapi.json")
        peace = median(await waits(merchant, 30))
        for name, made in FLOODS.items():
            async with flooded(port, made) as answers:
                attacked = median(await waits(merchant, 30))
            print(f"{suite.kind} {name}: {attacked / peace:.1f} times {peace * 1000:.1f} ms, {len(answers)} answers")
            assert attacked < 5 * peace + 0.1, (name, peace, attacked)
            assert answers, name
