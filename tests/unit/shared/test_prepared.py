"""Prepared statements answer, fail and roll back as SQLAlchemy's own do, on both databases."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any, NamedTuple

import pytest
from conftest import Backend
from sqlalchemy import BigInteger, String, bindparam, delete, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlmodel import Field

from shared.db import (
    Database,
    JsonType,
    Prepared,
    TableModel,
    UtcDateTime,
    Write,
    as_dict,
    is_outage,
    is_transient,
    one_of,
    part_registry,
)


class Base(TableModel, registry=part_registry()):
    """The tables of this test."""


class Jar(Base, table=True):
    """Something of every kind."""

    __tablename__ = "jar"

    id: str = Field(primary_key=True, sa_type=String(40))
    units: int = Field(sa_type=BigInteger)
    at: datetime | None = Field(None, sa_type=UtcDateTime)
    data: dict[str, Any] | None = Field(None, sa_type=JsonType)


class Shown(NamedTuple):
    """Two columns."""

    id: str
    at: datetime | None


NOW = datetime(2026, 11, 11, 10, 0, 0, 5, tzinfo=UTC)
ROWS: list[dict[str, Any]] = [
    {"id": "a", "units": 2**40, "at": NOW, "data": {"zh": ["罐", 1.5, None]}},
    {"id": "b", "units": 0, "at": None, "data": None},
]
ADD = Prepared(insert(Jar.table).values({name: bindparam(name) for name in ROWS[0]}).inline())
SOME = Prepared(select(Jar.table).where(one_of(Jar.c.id, "ids")).order_by(Jar.c.id).with_for_update())
SHOW = Prepared(select(Jar.c.id, Jar.c.at).where(Jar.c.at >= bindparam("since")))
MORE = Prepared(update(Jar.table).where(Jar.c.units >= bindparam("least")).values(units=Jar.c.units + 1))
COUNT = Prepared(select(func.count()).select_from(Jar.table))
GONE = Prepared(delete(Jar.table).where(Jar.c.id == bindparam("gone")).returning(Jar.c.id))
ON_A_SERVER = pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
"""A file has no connections that others can end, and SQLite plans anew by itself."""


@pytest.fixture
async def db(backend: Backend) -> AsyncIterator[Database]:
    opened = Database(backend.database_url or f"sqlite:///{backend.data_dir}/jars.db", schema="jars", pool_size=3)
    async with opened.connection() as connection, connection.begin():
        if opened.dialect == "postgresql":
            await connection.execute(text("CREATE SCHEMA jars"))
        await connection.run_sync(lambda sync: Base.metadata.create_all(sync, tables=[Jar.table]))
    async with opened.write() as tx:
        for row in ROWS:
            assert await tx.run(ADD, row) == 1
    yield opened
    await opened.close()


async def number(db: Database) -> int:
    async with db.read() as tx:
        found: int = await tx.scalar(COUNT)
        return found


async def test_rows_are_those_that_sqlalchemy_answers(db: Database) -> None:
    async with db.write() as tx:
        mine = await tx.rows(Jar, SOME, {"ids": ["b", "a", "nobody"]})
        theirs = await tx.rows(Jar, select(Jar.table).order_by(Jar.c.id))
        assert [as_dict(row) for row in mine] == [as_dict(row) for row in theirs] == ROWS
        assert (mine[0].units, mine[0].at, mine[1].data) == (2**40, NOW, None)
        assert await tx.rows(Shown, SHOW, {"since": NOW}) == [Shown("a", NOW)]
        assert await tx.scalars(SHOW, {"since": NOW}) == ["a"]
        with pytest.raises(TypeError, match="Shown has"):
            await tx.rows(Shown, SOME, {"ids": []})


async def test_changed_rows_are_counted(db: Database) -> None:
    async with db.write() as tx:
        assert [await tx.run(MORE, {"least": least}) for least in (0, 2**40, 2**60)] == [2, 1, 0]
        assert await tx.scalars(GONE, {"gone": "a"}) == ["a"]
    assert await number(db) == 1


async def test_a_transaction_that_begins_with_one_is_rolled_back_whole(db: Database) -> None:
    with pytest.raises(RuntimeError, match="enough"):
        async with db.write() as tx:
            await tx.run(ADD, {"id": "c", "units": 1, "at": None, "data": None})
            await tx.execute(delete(Jar.table).where(Jar.c.id == "a"))
            raise RuntimeError("enough")
    assert await number(db) == 2


async def test_errors_are_those_of_sqlalchemy(db: Database) -> None:
    with pytest.raises(IntegrityError) as twice:
        async with db.write() as tx:
            await tx.run(ADD, ROWS[0])
    assert not is_outage(twice.value)
    assert await number(db) == 2


@ON_A_SERVER
async def test_a_connection_that_is_gone_is_an_outage_and_not_used_again(db: Database) -> None:
    with pytest.raises(DBAPIError) as gone:
        async with db.write() as tx:
            await tx.run(MORE, {"least": 0})
            raw = await tx.connection.get_raw_connection()
            raw.driver_connection.terminate()  # type: ignore[union-attr] # asyncpg's
            await tx.run(MORE, {"least": 0})
    assert is_outage(gone.value)
    assert await number(db) == 2


async def test_a_cancelled_one_leaves_nothing_behind(db: Database) -> None:
    async def wait() -> None:
        async with db.write() as tx:
            await tx.run(MORE, {"least": 0})
            await asyncio.sleep(60)

    task = asyncio.create_task(wait())
    await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    async with db.write() as tx:
        assert [row.units for row in await tx.rows(Jar, SOME, {"ids": ["a", "b"]})] == [2**40, 0]


def added(number: int) -> Write:
    return Write(ADD, {"id": f"n{number}", "units": number, "at": None, "data": None}, "jar", changes=False)


def moved(least: int) -> Write:
    return Write(MORE, {"least": least}, "jar", changes=True)


async def test_writes_that_wait_are_done_in_their_order_before_whatever_comes_next(db: Database) -> None:
    async with db.write() as tx:
        for write in (added(1), added(2), moved(1), moved(2), added(3)):
            tx.later(write)
        assert await tx.scalar(COUNT) == 5
        for number in range(4, 30):
            tx.later(added(number))
    async with db.read() as tx:
        found = await tx.execute(select(Jar.c.id, Jar.c.units).where(Jar.c.id.like("n%")))
        units = {row.id: row.units for row in found}
    assert (len(units), units["n1"], units["n2"], units["n3"]) == (29, 3, 4, 3)


async def test_writes_that_wait_are_taken_back_with_the_rest(db: Database) -> None:
    with pytest.raises(IntegrityError):
        async with db.write() as tx:
            tx.later(added(1))
            tx.later(added(1))
    with pytest.raises(RuntimeError, match="enough"):
        async with db.write() as tx:
            tx.later(added(2))
            raise RuntimeError("enough")
    assert await number(db) == 2


async def test_a_nested_block_takes_back_its_own_and_keeps_what_waited_before(db: Database) -> None:
    async with db.write() as tx:
        tx.later(added(1))
        with pytest.raises(RuntimeError, match="enough"):
            async with tx.nested():
                tx.later(added(2))
                raise RuntimeError("enough")
        async with tx.nested():
            tx.later(added(3))
    async with db.read() as tx:
        assert await tx.scalars(select(Jar.c.id).where(Jar.c.id.like("n%")).order_by(Jar.c.id)) == ["n1", "n3"]


async def test_a_write_that_waits_is_not_lost_in_a_block_that_only_reads(db: Database) -> None:
    with pytest.raises(RuntimeError, match="only reads"):
        async with db.read() as tx:
            tx.later(added(4))


@ON_A_SERVER
async def test_a_connection_that_was_gone_before_is_an_outage_as_well(db: Database) -> None:
    with pytest.raises(DBAPIError) as gone:
        async with db.write() as tx:
            raw = await tx.connection.get_raw_connection()
            raw.driver_connection.terminate()  # type: ignore[union-attr] # asyncpg's
            await tx.run(MORE, {"least": 0})
    assert is_outage(gone.value)
    assert await number(db) == 2


@ON_A_SERVER
async def test_after_a_change_of_its_columns_a_statement_is_to_be_run_again(db: Database) -> None:
    asked = Prepared(select(Jar.c.id).where(Jar.c.units >= bindparam("least")))
    async with db.write() as tx:
        await tx.scalars(asked, {"least": 0})
    async with db._writer.connect() as other, other.begin():
        raw = await other.get_raw_connection()
        await raw.driver_connection.execute("ALTER TABLE jar ALTER id TYPE text")  # type: ignore[union-attr] # asyncpg's
    with pytest.raises(DBAPIError) as changed:
        async with db.write() as tx:
            await tx.scalars(asked, {"least": 0})
    assert is_transient(changed.value)
    async with db.write() as tx:
        assert sorted(await tx.scalars(asked, {"least": 0})) == ["a", "b"]


@ON_A_SERVER
async def test_after_a_restart_of_the_server_one_call_fails_and_not_one_for_each_connection(db: Database) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(3):
            connection = await stack.enter_async_context(db._writer.connect())
            raw = await connection.get_raw_connection()
            stack.callback(raw.driver_connection.terminate)  # type: ignore[union-attr] # asyncpg's
    failed = 0
    for _ in range(4):
        try:
            async with db.write() as tx:
                await tx.run(MORE, {"least": 0})
        except DBAPIError as error:
            failed += is_outage(error)
    assert failed == 1


@ON_A_SERVER
async def test_whoever_is_cancelled_at_the_beginning_leaves_no_transaction_to_the_next(backend: Backend) -> None:
    assert backend.database_url is not None
    one, other = (Database(backend.database_url, schema="public", pool_size=1) for _ in range(2))
    made, put = text("CREATE TABLE spoon (id int)"), Prepared(text("INSERT INTO spoon VALUES (:id)"))
    async with one.write() as tx:
        await tx.execute(made)

    async def write(number: int) -> None:
        async with one.write() as tx:
            await tx.run(put, {"id": number})

    for steps in range(1, 12):
        task = asyncio.create_task(write(-steps))
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await write(steps)
        async with other.read() as tx:
            assert await tx.scalars(text("SELECT id FROM spoon WHERE id = :id"), {"id": steps}) == [steps]
    await one.close()
    await other.close()
