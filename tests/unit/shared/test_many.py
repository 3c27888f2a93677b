"""Many keys in one statement, alike on both databases."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from conftest import Backend
from sqlalchemy import ColumnElement, String, insert, select, text, update
from sqlalchemy.dialects import sqlite
from sqlmodel import Field

from shared.db import Database, TableModel, UtcDateTime, one_of, part_registry


class Base(TableModel, registry=part_registry()):
    """The table of these tests."""


class Seat(Base, table=True):
    __tablename__ = "seat"

    name: str = Field(primary_key=True, sa_type=String(20))
    row: int = Field(primary_key=True)
    at: datetime = Field(sa_type=UtcDateTime, index=True)


S = Seat.c
NOON = datetime(2026, 11, 11, 12, tzinfo=UTC)


@pytest.fixture
async def db(backend: Backend) -> AsyncIterator[Database]:
    """Seats a, b, "quo'te\\" and 7, each in the rows 0 to 2, at hours apart."""
    opened = Database(backend.database_url or f"sqlite:///{backend.data_dir}/many.db", schema="many")
    async with opened.connection() as connection, connection.begin():
        if opened.dialect == "postgresql":
            await connection.execute(text("CREATE SCHEMA many"))
        await connection.run_sync(Base.metadata.create_all)
    rows = [
        {"name": name, "row": row, "at": NOON + timedelta(hours=row)}
        for name in ("a", "b", "quo'te\\", "7")
        for row in range(3)
    ]
    async with opened.write() as tx:
        await tx.run(insert(Seat.table), rows)
    yield opened
    await opened.close()


@pytest.mark.parametrize(
    ("where", "found"),
    [
        (one_of(S.name, ["a", "7", "a", "nobody"]), {"a0", "a1", "a2", "70", "71", "72"}),
        (one_of(S.name, ["quo'te\\"]) & (S.row == 1), {"quo'te\\1"}),
        (one_of(S.name, []), set()),
        (~one_of(S.row, [0, 2]) & one_of(S.name, ("a", "b")), {"a1", "b1"}),
        (one_of(S.at, [NOON]) & one_of(S.name, iter(["b"])), {"b0"}),
        (one_of(S.name, [f"seat {n}" for n in range(40_000)]) | (S.name == "a"), {"a0", "a1", "a2"}),
        (one_of((S.name, S.row), [("a", 0), ("7", 2), ("b", 9)]), {"a0", "72"}),
        (one_of((S.row, S.at), [(1, NOON + timedelta(hours=1)), (2, NOON)]) & (S.name == "a"), {"a1"}),
        (one_of((S.name, S.row), []), set()),
    ],
)
async def test_rows_are_found_by_many_keys(db: Database, where: ColumnElement[bool], found: set[str]) -> None:
    async with db.read() as tx:
        rows = (await tx.execute(select(S.name, S.row).where(where))).all()
    assert sorted(f"{row.name}{row.row}" for row in rows) == sorted(found)


async def test_a_statement_made_once_takes_any_number_of_keys(db: Database) -> None:
    by_name = select(S.row).where(one_of(S.name, "names"))
    by_both = select(S.name).where(one_of((S.name, S.row), "keys")).order_by(S.name).with_for_update()
    async with db.write() as tx:
        assert [len(await tx.scalars(by_name, {"names": names})) for names in (["a"], ["a", "b"], [])] == [3, 6, 0]
        assert await tx.scalars(by_both, {"keys": [("b", 1), ("a", 2)]}) == ["a", "b"]


@pytest.mark.parametrize("where", [one_of(S.at, [NOON, NOON]), one_of((S.name, S.row), [("a", 0), ("b", 1)])])
async def test_sqlite_finds_them_by_the_index(tmp_path: Any, where: ColumnElement[bool]) -> None:
    db = Database(f"sqlite:///{tmp_path}/plan.db", schema="many")
    async with db.connection() as connection, connection.begin():
        await connection.run_sync(Base.metadata.create_all)
    sql = str(select(Seat.table).where(where).compile(dialect=sqlite.dialect()))
    async with db.read() as tx:
        plan = (await tx.connection.exec_driver_sql("EXPLAIN QUERY PLAN " + sql, ("[]",))).all()
    await db.close()
    assert plan[0].detail.startswith("SEARCH seat USING")


@pytest.mark.parametrize("where", [one_of(S.name, ["a"]), one_of((S.name, S.row), [("a", row) for row in range(3)])])
async def test_who_waits_for_a_lock_gets_the_row_as_it_is_then(db: Database, where: ColumnElement[bool]) -> None:
    """PostgreSQL looks again at a row that changed while it waited: the keys must still be there to compare with."""
    later = NOON + timedelta(days=1)

    async def wait() -> list[Any]:
        async with db.write() as tx:
            return await tx.scalars(select(S.at).where(where).order_by(S.row).with_for_update())

    async with db.write() as tx:
        await tx.run(update(Seat.table).where(S.name == "a").values(at=later))
        waiting = asyncio.create_task(wait())
        await asyncio.sleep(0.2)
        assert not waiting.done()
    assert await waiting == [later] * 3
