"""Due work and forgetting in rounds of bounded size, on both databases."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta

import pytest
from conftest import Backend
from sqlalchemy import PrimaryKeyConstraint, String, insert, select, text, update
from sqlmodel import Field

from shared.clock import ManualClock
from shared.db import Database, Due, TableModel, Transaction, UtcDateTime, delete_some, part_registry, prune, sweep
from shared.pruning import Pruner


class Base(TableModel, registry=part_registry()):
    """The table of these tests."""


class Visit(Base, table=True):
    __tablename__ = "visit"
    __table_args__ = (PrimaryKeyConstraint("place", "number"),)

    place: str = Field(sa_type=String(10))
    number: int
    left_at: datetime | None = Field(None, sa_type=UtcDateTime, index=True)


V = Visit.c


@pytest.fixture
async def db(backend: Backend, clock: ManualClock) -> AsyncIterator[Database]:
    """Ten visits that ended one hour apart, the last of them just now, and one that goes on."""
    opened = Database(backend.database_url or f"sqlite:///{backend.data_dir}/rounds.db", schema="rounds")
    async with opened.connection() as connection, connection.begin():
        if opened.dialect == "postgresql":
            await connection.execute(text("CREATE SCHEMA rounds"))
        await connection.run_sync(Base.metadata.create_all)
    now = clock.now()
    rows = [{"place": "a", "number": hours, "left_at": now - timedelta(hours=hours)} for hours in range(10)]
    async with opened.write() as tx:
        await tx.run(insert(Visit.table), [*rows, {"place": "b", "number": 0, "left_at": None}])
    yield opened
    await opened.close()


async def left(db: Database) -> list[int]:
    async with db.read() as tx:
        return await tx.scalars(select(V.number).where(V.place == "a").order_by(V.number))


async def test_due_rows_are_worked_off_in_rounds(db: Database, clock: ManualClock) -> None:
    due = select(Visit.table).where(V.left_at < clock.now()).order_by(V.left_at)
    rounds: list[list[int]] = []

    async def work(tx: Transaction, rows: Sequence[Visit]) -> None:
        rounds.append([row.number for row in rows])
        await tx.run(update(Visit.table).where(V.number.in_(rounds[-1])).values(left_at=None))

    answers = [await sweep(db, Visit, Due(due), 4, work) for _ in range(4)]
    assert rounds == [[9, 8, 7, 6], [5, 4, 3, 2], [1]]
    assert answers == [True, True, False, False]


async def test_a_round_without_work_tells_how_long_there_will_be_none(db: Database, clock: ManualClock) -> None:
    async def work(tx: Transaction, rows: Sequence[Visit]) -> None:
        await tx.run(update(Visit.table).where(V.number.in_([row.number for row in rows])).values(left_at=None))

    async def look() -> bool | float:
        now = clock.now()
        first = select(V.left_at).where(V.left_at.is_not(None)).order_by(V.left_at).limit(1)
        rows = select(Visit.table).where(V.left_at <= now).order_by(V.left_at)
        return await sweep(db, Visit, Due(rows, first, now), 10, work)

    clock.advance(timedelta(hours=-12))
    assert await look() == 3 * 3600.0
    clock.advance(timedelta(hours=3))
    assert await look() is False, "what was due is done; the commit of it tells the loop to look again"
    assert await look() == 3600.0
    clock.advance(timedelta(hours=20))
    assert await look() is False
    assert await look() is False, "nothing has a time any more"


async def test_a_round_that_fails_leaves_everything_as_it_was(db: Database, clock: ManualClock) -> None:
    due = select(Visit.table).where(V.left_at < clock.now())

    async def work(tx: Transaction, rows: Sequence[Visit]) -> None:
        assert await delete_some(tx, Visit.table, V.place == "a", 100) == 10
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError):
        await sweep(db, Visit, Due(due), 4, work)
    assert len(await left(db)) == 10


async def test_rounds_without_work_wait_for_no_writer(db: Database, clock: ManualClock) -> None:
    async def work(tx: Transaction, rows: Sequence[Visit]) -> None:
        raise AssertionError("there is nothing to do")

    nothing = V.left_at > clock.now()
    async with db.write() as tx, asyncio.timeout(60):
        await tx.run(update(Visit.table).where(V.place == "b").values(number=1))
        rounds = [sweep(db, Visit, Due(select(Visit.table).where(nothing)), 4, work), prune(db, Visit.table, nothing)]
        assert not any(await asyncio.gather(*rounds))


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
async def test_what_another_holds_is_passed_over(db: Database, clock: ManualClock) -> None:
    """PostgreSQL only: SQLite has one writer, so nobody else holds a row."""
    async with db.write() as other:
        await other.run(update(Visit.table).where(V.number.in_((9, 8))).values(left_at=V.left_at))
        async with asyncio.timeout(60):
            assert await asyncio.create_task(prune(db, Visit.table, V.left_at < clock.now(), size=2)) is True
    assert {8, 9} < set(await left(db))
    assert len(await left(db)) == 8


async def test_forgetting_is_bounded_and_keeps_what_is_young(db: Database, clock: ManualClock) -> None:
    old = V.left_at < clock.now() - timedelta(hours=3)
    assert await prune(db, Visit.table, old, size=4) is True
    assert len(await left(db)) == 6
    assert await prune(db, Visit.table, old, size=4) is False
    assert await left(db) == [0, 1, 2, 3]


async def test_a_pruner_forgets_some_time_after_an_instant(db: Database, clock: ManualClock) -> None:
    pruner = Pruner(db, clock, {V.left_at: timedelta(hours=8)})
    assert await pruner.tick() is False
    assert await left(db) == [0, 1, 2, 3, 4, 5, 6, 7]
    clock.advance(timedelta(days=1))
    assert await pruner.tick() is False
    assert await left(db) == []
    async with db.read() as tx:
        assert await tx.scalar(select(V.place)) == "b"


async def test_a_pruner_comes_again_while_more_waits(db: Database, clock: ManualClock) -> None:
    rows = [{"place": "c", "number": n, "left_at": clock.now() - timedelta(days=9)} for n in range(1100)]
    async with db.write() as tx:
        await tx.run(insert(Visit.table), rows)
    pruner = Pruner(db, clock, {V.left_at: timedelta(days=1)})
    assert [await pruner.tick() for _ in range(3)] == [True, True, False]
    assert len(await left(db)) == 10
