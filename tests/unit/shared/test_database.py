"""The database calls: no lost update, claims that never overlap, instants and JSON that survive, on both databases."""

import asyncio
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from typing import Any, NamedTuple

import pytest
from conftest import Backend
from sqlalchemy import Column, Index, Integer, String, Table, func, insert, select, text, update
from sqlmodel import Field

from shared.db import (
    Database,
    Errand,
    JsonType,
    TableModel,
    Transaction,
    UtcDateTime,
    as_dict,
    claim_due,
    excluded,
    insert_ignore,
    part_registry,
    upsert,
)


class Base(TableModel, registry=part_registry()):
    """The tables of these tests."""


class Task(Base, table=True):
    __tablename__ = "task"
    __table_args__ = (Index("ix_task_due", "owner", "due_at"),)

    id: int = Field(primary_key=True)
    owner: str | None = Field(None, sa_type=String(10))
    due_at: datetime | None = Field(None, sa_type=UtcDateTime)
    data: dict[str, Any] | None = Field(None, sa_type=JsonType)


class Owned(NamedTuple):
    id: int
    owner: str | None


METADATA = Base.metadata
TASK = Task.table
COUNTER = Table("counter", METADATA, Column("id", Integer, primary_key=True), Column("n", Integer, nullable=False))


@pytest.fixture
async def db(backend: Backend) -> Any:
    url = backend.database_url or f"sqlite:///{backend.data_dir}/t.db"
    database = Database(url, schema="sample", pool_size=20)
    async with database.connection() as connection, connection.begin():
        if database.dialect == "postgresql":
            await connection.execute(text("CREATE SCHEMA sample"))
        await connection.run_sync(METADATA.create_all)
    yield database
    await database.close()


async def test_two_hundred_increments_are_two_hundred(db: Database) -> None:
    async with db.write() as tx:
        await tx.execute(insert(COUNTER), {"id": 1, "n": 0})

    async def increment() -> None:
        for _ in range(20):
            async with db.write() as tx:
                await tx.execute(update(COUNTER).values(n=COUNTER.c.n + 1))

    await asyncio.gather(*[increment() for _ in range(10)])
    async with db.read() as tx:
        assert await tx.scalar(select(COUNTER.c.n)) == 200


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_read_then_write_is_safe_on_sqlite_too(db: Database) -> None:
    """BEGIN IMMEDIATE: a writer that reads first reads under the lock (PostgreSQL needs the conditional update)."""
    async with db.write() as tx:
        await tx.execute(insert(COUNTER), {"id": 1, "n": 0})

    async def increment() -> None:
        async with db.write() as tx:
            seen = await tx.scalar(select(COUNTER.c.n))
            await asyncio.sleep(0)
            await tx.execute(update(COUNTER).values(n=seen + 1))

    await asyncio.gather(*[increment() for _ in range(50)])
    async with db.read() as tx:
        assert await tx.scalar(select(COUNTER.c.n)) == 50


async def test_each_statement_of_a_read_sees_what_was_committed_before_it(db: Database) -> None:
    async def count() -> None:
        async with db.write() as tx:
            await tx.execute(insert(COUNTER), {"id": 1, "n": 7})

    async with db.read() as tx:
        assert await tx.scalar(select(COUNTER.c.n)) is None
        await asyncio.create_task(count())
        assert await tx.scalar(select(COUNTER.c.n)) == 7


async def test_an_exception_rolls_back_and_calls_nobody(db: Database) -> None:
    told: list[str] = []
    with pytest.raises(RuntimeError):
        async with db.write() as tx:
            tx.after_commit(lambda: told.append("committed"))
            await tx.execute(insert(COUNTER), {"id": 1, "n": 0})
            raise RuntimeError
    async with db.read() as tx:
        assert (await tx.execute(select(COUNTER))).all() == []
    assert told == []


async def test_a_joined_transaction_is_one(db: Database) -> None:
    with pytest.raises(RuntimeError):
        async with db.joined():
            async with db.write() as tx:
                await tx.execute(insert(COUNTER), {"id": 1, "n": 0})
            async with db.read() as tx:
                assert await tx.scalar(select(COUNTER.c.n)) == 0
            raise RuntimeError
    assert not db.is_joined()
    async with db.read() as tx:
        assert (await tx.execute(select(COUNTER))).all() == []


@pytest.mark.parametrize("ends_well", [True, False])
async def test_what_is_set_aside_stays_whatever_becomes_of_the_request(db: Database, ends_well: bool) -> None:
    async def note(tx: Transaction) -> None:
        await tx.execute(insert(COUNTER), {"id": 7, "n": 1})

    async def request() -> None:
        async with db.joined():
            async with db.write() as tx:
                await tx.execute(insert(COUNTER), {"id": 1, "n": 0})
            await db.aside(Errand(note, lambda: None))  # waits for the end: an SQLite file has one writer
            if not ends_well:
                raise RuntimeError

    with nullcontext() if ends_well else pytest.raises(RuntimeError):
        await request()
    async with db.read() as tx:
        found = {row.id for row in await tx.execute(select(COUNTER))}
    assert found == ({1, 7} if ends_well else {7})


async def test_work_for_afterwards_is_done_once_and_by_itself(db: Database) -> None:
    async def note(tx: Transaction) -> None:
        await tx.execute(insert(COUNTER), {"id": 7, "n": 1})

    over = list[int]()
    with pytest.raises(RuntimeError):
        async with db.write() as tx:
            tx.afterwards(Errand(note, partial(over.append, 7)))
            assert over == []
            raise RuntimeError
    assert over == [7]
    async with db.read() as tx:
        assert await tx.scalar(select(COUNTER.c.n)) == 1


async def test_instants_and_json_come_back_as_they_went(db: Database) -> None:
    shanghai = timezone(timedelta(hours=8))
    instant = datetime(2026, 11, 11, 0, 0, 0, 5, tzinfo=shanghai)
    data = {"名": "值", "n": 2**60, "list": [1, None, 1.5]}
    async with db.write() as tx:
        await tx.execute(insert(TASK), {"id": 1, "owner": None, "due_at": instant, "data": data})
    async with db.read() as tx:
        row = (await tx.execute(select(TASK).where(TASK.c.due_at == instant))).one()
    assert row.due_at == instant
    assert row.due_at.utcoffset() == timedelta(0)
    assert row.data == data
    with pytest.raises(Exception, match="naive"):
        async with db.write() as tx:
            await tx.execute(insert(TASK), {"id": 2, "due_at": datetime(2026, 1, 1)})  # noqa: DTZ001 - that is the point


async def test_insert_ignore_answers_only_what_is_new(db: Database) -> None:
    async with db.write() as tx:
        assert len(await insert_ignore(tx, COUNTER, [{"id": 1, "n": 1}, {"id": 2, "n": 2}])) == 2
        again = await insert_ignore(tx, COUNTER, [{"id": 2, "n": 9}, {"id": 3, "n": 3}], [COUNTER.c.id])
        assert [key for (key,) in again] == [3]
        assert await insert_ignore(tx, COUNTER, []) == []


async def test_upsert_can_be_limited_to_older_rows(db: Database) -> None:
    early, late = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
    for instant, owner in ((late, "late"), (early, "early")):
        async with db.write() as tx:
            row = {"id": 1, "owner": owner, "due_at": instant, "data": None}
            newer = TASK.c.due_at < excluded(tx, TASK).due_at
            await upsert(tx, TASK, [row], ["id"], ["owner", "due_at"], where=newer)
    async with db.read() as tx:
        assert await tx.scalar(select(TASK.c.owner)) == "late"


async def test_workers_never_claim_the_same_row(db: Database) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    async with db.write() as tx:
        rows = [{"id": n, "owner": None, "due_at": now + timedelta(seconds=n), "data": None} for n in range(100)]
        await tx.execute(insert(TASK), rows)

    async def work(owner: str) -> list[int]:
        mine: list[int] = []
        while True:
            async with db.write() as tx:
                got = await claim_due(
                    tx, Task, where=TASK.c.owner.is_(None), order_by=TASK.c.due_at, limit=7, values={"owner": owner}
                )
            if not got:
                return mine
            mine += [row.id for row in got]

    claimed = await asyncio.gather(*[work(f"w{n}") for n in range(6)])
    assert sorted(one for mine in claimed for one in mine) == list(range(100))


async def test_a_claim_takes_no_more_than_its_limit_whatever_the_planner_does(db: Database) -> None:
    """PostgreSQL may run a sub-select with SKIP LOCKED once per outer row, and each time it finds other rows."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    async with db.write() as tx:
        rows = [{"id": n, "owner": None, "due_at": now, "data": None} for n in range(50)]
        await tx.execute(insert(TASK), rows)
        mine = TASK.c.owner.is_(None) & (TASK.c.due_at <= now)
        got = await claim_due(tx, Task, where=mine, order_by=TASK.c.due_at, limit=4, values={"owner": "w"})
    assert len(got) == 4


async def test_rows_come_as_the_class_that_declares_them(db: Database) -> None:
    async with db.write() as tx:
        rows = [{"id": n, "owner": "w", "due_at": None, "data": {"n": n}} for n in (1, 2)]
        await tx.run(insert(TASK), rows)
        whole = await tx.rows(Task, select(TASK).order_by(Task.c.id))
        assert [(row.id, row.data) for row in whole] == [(1, {"n": 1}), (2, {"n": 2})]
        assert as_dict(whole[0]) == {"id": 1, "owner": "w", "due_at": None, "data": {"n": 1}}
        part = select(Task.c.id, Task.c.owner)
        assert await tx.rows(Owned, part.order_by(Task.c.id)) == [Owned(1, "w"), Owned(2, "w")]
        assert await tx.row(Owned, part.where(Task.c.id == 2)) == Owned(2, "w")
        assert await tx.row(Owned, part.where(Task.c.id == 3)) is None
        assert await tx.scalars(select(Task.c.id).order_by(Task.c.id)) == [1, 2]
        assert await tx.run(update(TASK).where(Task.c.id == 1).values(owner="x")) == 1


async def test_a_statement_that_answers_other_columns_is_refused(db: Database) -> None:
    async with db.read() as tx:
        with pytest.raises(TypeError, match="Owned has"):
            await tx.rows(Owned, select(Task.c.owner, Task.c.id))  # another order
        with pytest.raises(TypeError, match="Task has"):
            await tx.rows(Task, select(Task.c.id))
        with pytest.raises(TypeError, match="Task has"):
            await tx.rows(Task, select(TASK, func.now().label("more")))


async def test_one_row_at_most_is_meant(db: Database) -> None:
    async with db.write() as tx:
        await tx.run(insert(TASK), [{"id": n, "owner": None, "due_at": None, "data": None} for n in (1, 2)])
        with pytest.raises(ValueError, match="2 rows of Owned"):
            await tx.row(Owned, select(Task.c.id, Task.c.owner))
