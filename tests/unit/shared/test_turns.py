"""Who may use the database: nobody takes what others need, nobody waits for themselves, nobody waits for ever."""

import asyncio

import asyncpg
import pytest
from conftest import Backend
from kit.small_server import few_connections
from sqlalchemy import text

from shared.db import Database, DatabaseBusy, Use, turns, used_for
from shared.db.capacity import connections_left
from shared.db.faults import is_outage
from shared.web.problems import to_problem

on_postgresql = pytest.mark.parametrize("backend", ["postgresql"], indirect=True)


def database(backend: Backend, size: int = 8) -> Database:
    return Database(backend.database_url or f"sqlite:///{backend.data_dir}/t.db", schema="public", pool_size=size)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 8, 40])
async def test_neither_loops_nor_audits_take_what_requests_need(size: int) -> None:
    pool = turns.Turns("t", size)
    held: dict[Use, int] = {}
    for use in (Use.LONG, Use.BACKGROUND, Use.REQUEST):
        with used_for(use):
            held[use] = 0
            while True:
                try:
                    await pool.take(0)
                except DatabaseBusy:
                    break
                held[use] += 1
    assert sum(held.values()) == size
    if size >= turns.LEAST_TURNS:
        assert min(held.values()) >= 1
        assert held[Use.LONG] <= max(1, size // 4)


async def test_turns_come_in_the_order_of_asking() -> None:
    pool = turns.Turns("t", 1)
    first, order = await pool.take(), list[int]()

    async def ask(number: int) -> None:
        turn = await pool.take()
        order.append(number)
        turn.give_back()

    asked = [asyncio.create_task(ask(number)) for number in range(5)]
    await asyncio.sleep(0)
    asked[2].cancel()
    first.give_back()
    await asyncio.gather(*asked, return_exceptions=True)
    assert order == [0, 1, 3, 4]


async def test_who_waits_in_vain_is_told_to_come_again() -> None:
    pool = turns.Turns("t", 1, turns.Limits(0.01))
    turn = await pool.take()
    with pytest.raises(DatabaseBusy) as refused:
        await pool.take()
    problem = to_problem(refused.value)
    assert problem is not None
    assert (problem.status, problem.code, problem.headers["Retry-After"]) == (503, "busy", "1")
    assert is_outage(refused.value)  # consumers and loops leave everything as it is
    turn.give_back()
    (await pool.take()).give_back()


@pytest.mark.parametrize("outer", ["read", "write"])
@pytest.mark.parametrize("inner", ["read", "write"])
async def test_a_task_that_has_a_transaction_gets_no_second_one(backend: Backend, outer: str, inner: str) -> None:
    """Two such tasks could wait for each other for ever."""
    db, other = database(backend), database(backend)
    async with getattr(db, outer)():
        with pytest.raises(RuntimeError, match="hand it on"):
            async with getattr(db, inner)():
                pass
        with pytest.raises(RuntimeError, match="hand it on"):
            db.refuse_second()
        if (outer, inner) != ("write", "write") or db.dialect == "postgresql":
            async with getattr(other, inner)():
                pass
    async with getattr(db, inner)():
        pass
    for one in (db, other):
        await one.close()


@on_postgresql
async def test_a_server_without_connections_makes_the_pool_smaller_and_fails_nobody(
    backend: Backend,
) -> None:
    async with few_connections(backend.database_url or "", 3) as url:
        db, late = Database(url, schema="public", pool_size=8), Database(url, schema="late", pool_size=8)
        hasty = Database(url, schema="late", pool_size=8, seconds=0.3)
        assert await asyncio.gather(*[read_one(db) for _ in range(64)]) == [1] * 64
        with pytest.raises(DatabaseBusy):
            await read_one(hasty)
        waiting = asyncio.create_task(read_one(late))  # as a part that starts while another one leaves
        await asyncio.sleep(0.1)
        await db.close()
        assert await waiting == 1
        await late.close()
        await hasty.close()


async def read_one(db: Database) -> int:
    async with db.read() as tx:
        return int(await tx.scalar(text("SELECT 1 FROM pg_sleep(0.01)")))


@on_postgresql
async def test_what_a_role_and_a_database_have_left_is_counted(backend: Backend) -> None:
    url = backend.database_url or ""
    async with few_connections(url, 3) as narrow:
        server = await asyncpg.connect(url)
        taken = await asyncpg.connect(narrow)
        ours = await asyncpg.connect(narrow, server_settings={"application_name": "quanyu-coupon"})
        beside = await connections_left(narrow, beside_running=True)
        instead = await connections_left(narrow, beside_running=False)
        assert (beside.role, instead.role, beside.database) == (1, 2, None)
        limit = int(await server.fetchval("SHOW max_connections"))
        assert 0 < beside.server < instead.server < limit
        for one in (server, taken, ours):
            await one.close()
