"""A PostgreSQL server that says nothing any more: every call gets an answer in time, and what comes back is found at once.

A frozen server, a firewall that forgot the connections, a machine without power: bytes go out and none come back. The proxy
plays them. Played after public reports: asyncpg #1356 (closing waits for a cancellation that nobody acknowledges),
SQLAlchemy #8419 and #10717 (a pool that hangs while it replaces a lost connection), pools whose ping waits in the same dead
socket, and sessions that stay on a demoted server.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import asyncpg
import httpx
import pytest
from conftest import Backend, RunService
from kit.gateway import ADMIN_KEY
from kit.proxy import TcpProxy
from kit.services import RunningService
from sqlalchemy import text

from gateway.app import create_gateway
from gateway.settings import GatewaySettings
from services.inventory.app import create_service
from services.inventory.settings import InventorySettings
from shared.db import Database, Trouble, kind_of
from shared.readiness import troubles
from shared.service import Service
from suite.errors import Stop
from suite.obstacles import telling

pytestmark = pytest.mark.parametrize("backend", ["postgresql"], indirect=True)

STATEMENT, REQUEST = 0.6, 2.5
_IN_TIME = REQUEST + 2.5  # two slow cores
_SHORT = {"database_seconds": STATEMENT, "request_seconds": REQUEST}


@pytest.fixture
async def proxy(backend: Backend) -> AsyncIterator[TcpProxy]:
    found = TcpProxy.before(backend.database_url or "", 5432)
    await found.start()
    yield found
    await found.cut()


@pytest.fixture
async def shop(run_service: RunService, backend: Backend, proxy: TcpProxy) -> RunningService:
    running = await run_service(create_service, InventorySettings, database_url=_through(backend, proxy), **_SHORT)
    client = running.client()
    place = {"id": "w1", "name": "仓", "kind": "warehouse"}
    lines = [{"sku": "sku", "location_id": "w1", "change": 1000}]
    received = {"lines": lines, "reason": "received"}
    # Statements have little time here: where others use the machine, the first ones may take longer.
    await _well(partial(client.post, "/v1/locations", json=place, headers={"Idempotency-Key": "place"}))
    await _well(partial(client.post, "/v1/stock/adjustments", json=received, headers={"Idempotency-Key": "received"}))
    return running


def _through(backend: Backend, proxy: TcpProxy) -> str:
    return proxy.through(backend.database_url or "")


async def _reserve(shop: RunningService, number: int, idempotency_key: str | None = None) -> httpx.Response:
    body = {"order_id": f"order-{number}", "channel": "app", "lines": [{"sku": "sku", "quantity": 1}]}
    headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
    return await shop.client().post("/v1/reservations", json=body, headers=headers)


async def _list(shop: RunningService) -> httpx.Response:
    return await shop.client().get("/v1/locations")


async def _timed(call: Any) -> tuple[httpx.Response, float]:
    started = time.monotonic()
    async with asyncio.timeout(30):  # for ever, before
        answer = await call
    return answer, time.monotonic() - started


async def _all_answered(calls: list[Any]) -> list[httpx.Response]:
    """Every call has a success or a problem to come again with, in time."""
    found = await asyncio.gather(*(_timed(call) for call in calls))
    for answer, seconds in found:
        assert seconds < _IN_TIME, f"{seconds:.1f} s: {answer.text}"
        if not answer.is_success:
            assert answer.status_code == 503, answer.text
            assert answer.json()["code"] in ("temporarily_unavailable", "busy")
            assert int(answer.headers["retry-after"]) >= 1
    return [answer for answer, _ in found]


async def _well(call: Callable[[], Awaitable[httpx.Response]]) -> None:
    """It succeeds again, within some seconds: a call may still meet a connection that is silent."""
    async with asyncio.timeout(15):
        while not (await call()).is_success:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.05)


async def _again(service: Service) -> None:
    """It is well by itself, within some seconds."""
    async with asyncio.timeout(15):
        while troubles(await service.readiness()):
            service._database._asked_at = 0.0
            await asyncio.sleep(0.05)
    assert service.kit.db.condition.trouble is None


@pytest.mark.parametrize("answers_only", [False, True], ids=["nothing passes", "answers are lost"])
async def test_every_call_is_answered_and_no_effect_is_lost_or_doubled(
    shop: RunningService, proxy: TcpProxy, answers_only: bool
) -> None:
    before = [_reserve(shop, number, f"key-{number}") for number in range(10)]
    assert all(answer.status_code == 201 for answer in await asyncio.gather(*before))
    proxy.fall_silent(answers_only=answers_only)
    calls = [call for number in range(10, 50) for call in (_reserve(shop, number, f"key-{number}"), _list(shop))]
    answers = await _all_answered(calls)
    assert not any(answer.is_success for answer in answers)
    assert "does not answer" in " ".join(troubles(await shop.service.readiness()))
    proxy.speak()
    await _again(shop.service)
    for number in range(50):
        await _well(partial(_reserve, shop, number, f"key-{number}"))
    level = (await shop.client().get("/v1/stock", params={"sku": "sku"})).json()["data"][0]
    assert level["held"] == 50, level
    audit = (await shop.client().get("/v1/audit/stock")).json()
    assert all(check["ok"] for check in audit["checks"]), audit


async def test_connections_that_fell_silent_are_replaced_and_few_calls_notice(
    shop: RunningService, proxy: TcpProxy
) -> None:
    """A firewall forgets what stood still for a while; a new connection works at once."""
    await asyncio.gather(*(_list(shop) for _ in range(20)))
    proxy.fall_silent(new=False)
    await _all_answered([call for n in range(40) for call in (_reserve(shop, n), _list(shop))])
    await _again(shop.service)
    for number in range(50, 60):
        await _well(partial(_reserve, shop, number))
    later = await _all_answered([call for n in range(100, 110) for call in (_reserve(shop, n), _list(shop))])
    assert {answer.json()["code"] for answer in later if not answer.is_success} <= {"busy"}, "two slow cores at most"


async def test_a_connection_that_rested_is_asked_before_a_call_gets_it(
    shop: RunningService, proxy: TcpProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    await asyncio.gather(*(_list(shop) for _ in range(20)))
    proxy.fall_silent(new=False)
    monkeypatch.setattr("shared.db.watch._IDLE_SECONDS", -1.0)  # all have rested long enough
    answers = await _all_answered([_list(shop) for _ in range(5)])
    assert all(answer.is_success for answer in answers), "nobody noticed"


async def test_a_call_that_is_given_up_by_its_caller_leaves_no_silent_connection(
    shop: RunningService, proxy: TcpProxy
) -> None:
    proxy.fall_silent(new=False)
    gone = [asyncio.create_task(_reserve(shop, number)) for number in range(10)]
    await asyncio.sleep(STATEMENT / 4)
    for task in gone:
        task.cancel()
    await asyncio.gather(*gone, return_exceptions=True)
    await _again(shop.service)
    answers = await _all_answered([_list(shop) for _ in range(20)])
    assert {answer.json()["code"] for answer in answers if not answer.is_success} <= {"busy"}
    turns = shop.service.kit.db._reading._all
    async with asyncio.timeout(10):
        while turns._value < shop.service.kit.db.readers:  # noqa: ASYNC110 - a semaphore tells nobody
            await asyncio.sleep(0.05)  # those of loops, which have more time; then every turn is given back


async def test_nothing_waits_for_a_silent_server_at_the_end(shop: RunningService, proxy: TcpProxy) -> None:
    await asyncio.gather(*(_list(shop) for _ in range(20)))
    proxy.fall_silent()
    started = time.monotonic()
    await shop.service.kit.db.close()
    assert time.monotonic() - started < 20
    proxy.speak()


async def test_a_start_names_the_part_whose_database_is_silent(backend: Backend, proxy: TcpProxy) -> None:
    proxy.fall_silent()
    settings = backend.settings(InventorySettings, database_url=_through(backend, proxy), **_SHORT)
    service = create_service(settings, None, None)  # type: ignore[arg-type] # it does not come so far
    started = time.monotonic()
    with (
        pytest.raises(Stop, match=r"The database of inventory, .*127.0.0.1.* does not answer"),
        telling("inventory", settings),
    ):
        await service.migrate()
    assert time.monotonic() - started < 20
    await service.kit.db.close()


_WAITING = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query ~ 'stock_level'
"""


@asynccontextmanager
async def _locked(backend: Backend) -> AsyncIterator[None]:
    """Somebody holds what a reservation needs, and goes on working."""
    other = await asyncpg.connect(backend.database_url)
    try:
        async with other.transaction():
            await other.execute("LOCK TABLE inventory.stock_level IN ACCESS EXCLUSIVE MODE")
            yield
    finally:
        await other.close()


async def test_a_statement_that_takes_too_long_is_ended_on_the_server_too(
    shop: RunningService, backend: Backend
) -> None:
    async with _locked(backend):
        answers = await _all_answered([_reserve(shop, number) for number in range(5)])
        assert not any(answer.is_success for answer in answers)
        admin = await asyncpg.connect(backend.database_url)
        async with asyncio.timeout(15):
            while await admin.fetchval(_WAITING):  # noqa: ASYNC110 - the server tells nobody
                await asyncio.sleep(0.1)
        await admin.close()
    await _well(lambda: _reserve(shop, 99))


async def test_keys_are_looked_up_within_a_deadline(run_service: RunService, backend: Backend, proxy: TcpProxy) -> None:
    """The gateway's single look for all: 145 of 150 calls had no answer in 40 s."""

    def create(settings: Any, bus: Any, clock: Any) -> Service:
        return create_gateway(settings, bus, clock, {})

    running = await run_service(
        create, GatewaySettings, database_url=_through(backend, proxy), admin_key=ADMIN_KEY, **_SHORT
    )
    known = {"authorization": f"Bearer {ADMIN_KEY}"}
    client = running.stranger()
    assert (await client.get("/v1/keys", headers=known)).status_code == 200
    proxy.fall_silent()
    running.service.kit.clock.advance(seconds=6)  # type: ignore[attr-defined] # what is known is believed for five
    unknown = {"authorization": f"Bearer {ADMIN_KEY[:-7]}aaaaaaa"}
    answers = await asyncio.gather(*(_timed(client.get("/v1/keys", headers=one)) for one in [known, unknown] * 75))
    assert max(seconds for _, seconds in answers) < _IN_TIME
    assert {answer.status_code for answer, _ in answers} <= {503, 401, 429}
    assert any(answer.status_code == 503 and answer.headers["retry-after"] for answer, _ in answers)
    proxy.speak()
    await _again(running.service)
    await _well(lambda: client.get("/v1/keys", headers=known))


async def test_what_a_database_does_not_answer_is_told_as_that(backend: Backend, proxy: TcpProxy) -> None:
    db = Database(_through(backend, proxy), schema="sample", pool_size=3, seconds=0.2)
    async with db.read() as tx:
        await tx.execute(text("SELECT 1"))
    proxy.fall_silent()
    with pytest.raises(Exception) as caught:
        async with db.read() as tx:
            await tx.execute(text("SELECT 1"))
    assert kind_of(caught.value) is Trouble.AWAY
    assert db.condition.trouble is Trouble.AWAY
    await db.close()
