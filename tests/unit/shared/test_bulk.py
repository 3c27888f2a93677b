"""Many rows in one statement, alike on both databases."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from conftest import Backend
from sqlalchemy import BigInteger, Boolean, Column, Float, MetaData, String, Table, null, select, text

from shared.db import Database, JsonType, UtcDateTime, insert_bulk, is_unstorable, update_bulk, upsert_bulk

THINGS = Table(
    "thing",
    MetaData(),
    Column("id", String(40), primary_key=True),
    Column("code", String(10), unique=True),
    Column("units", BigInteger),
    Column("weight", Float),
    Column("good", Boolean),
    Column("at", UtcDateTime),
    Column("data", JsonType),
)
NOW = datetime(2026, 11, 11, 10, 0, tzinfo=timezone(timedelta(hours=8)))


def thing(number: int, **fields: Any) -> dict[str, Any]:
    row = {
        "id": f"t{number}",
        "code": f"c{number}",
        "units": number,
        "weight": None,
        "good": True,
        "at": NOW,
        "data": None,
    }
    return row | fields


@pytest.fixture
async def db(backend: Backend) -> AsyncIterator[Database]:
    opened = Database(backend.database_url or f"sqlite:///{backend.data_dir}/things.db", schema="things")
    async with opened.connection() as connection, connection.begin():
        if opened.dialect == "postgresql":
            await connection.execute(text("CREATE SCHEMA things"))
        await connection.run_sync(THINGS.metadata.create_all)
    yield opened
    await opened.close()


async def stored(db: Database) -> list[dict[str, Any]]:
    async with db.read() as tx:
        rows = await tx.execute(select(THINGS).order_by(THINGS.c.units))
        return [dict(row) for row in rows.mappings()]


async def test_every_kind_of_value_comes_back_as_it_was(db: Database) -> None:
    rows = [
        thing(1, units=2**62, weight=0.5, good=False, code="'quo\"te\\"),
        thing(-2, code=None, good=None, at=NOW + timedelta(microseconds=7)),
    ]
    async with db.write() as tx:
        assert {key[0] for key in await insert_bulk(tx, THINGS, rows)} == {"t1", "t-2"}
    found = await stored(db)
    assert found == [rows[1], rows[0]]
    assert found[1]["at"] == datetime(2026, 11, 11, 2, 0, tzinfo=UTC)
    async with db.read() as tx:
        later = select(THINGS.c.id).where(THINGS.c.at > NOW)
        assert list((await tx.execute(later)).scalars()) == ["t-2"]


async def test_ignoring_conflicts_answers_what_was_inserted(db: Database) -> None:
    async with db.write() as tx:
        await insert_bulk(tx, THINGS, [thing(1)])
        again = [thing(1), thing(2), thing(3, code="c1"), thing(4, code="c2")]
        assert [tuple(key) for key in await insert_bulk(tx, THINGS, again, ignore=True)] == [("t2",)]
    assert [row["id"] for row in await stored(db)] == ["t1", "t2"]


async def test_updates_compute_from_old_and_given_and_count_what_matched(db: Database) -> None:
    async with db.write() as tx:
        await insert_bulk(tx, THINGS, [thing(n) for n in range(5)])
        rows = [{"id": f"t{n}", "was": n, "more": 10 * n, "good": n % 2 == 0, "at": NOW} for n in (1, 2)]
        rows.append({"id": "t3", "was": 99, "more": 1, "good": True, "at": NOW})
        changed = await update_bulk(
            tx,
            THINGS,
            rows,
            match={"id": "id", "units": "was"},
            values={"units": "kept.units + given.more", "good": "given.good", "at": "given.at"},
        )
    assert changed == 2
    assert [(row["units"], row["good"]) for row in await stored(db)] == [
        (0, True),
        (3, True),
        (4, True),
        (11, False),
        (22, True),
    ]


async def test_nothing_is_nothing(db: Database) -> None:
    async with db.write() as tx:
        assert await insert_bulk(tx, THINGS, []) == []
        assert await update_bulk(tx, THINGS, [], match={"id": "id"}, values={"units": "1"}) == 0


@pytest.mark.parametrize("wrong", [b"bytes", {1, 2}])
async def test_what_json_cannot_hold_is_refused(db: Database, wrong: Any) -> None:
    async with db.write() as tx:
        with pytest.raises(TypeError):
            await insert_bulk(tx, THINGS, [thing(1, code=wrong)])


async def test_a_naive_instant_is_refused(db: Database) -> None:
    async with db.write() as tx:
        with pytest.raises((ValueError, TypeError)):
            await insert_bulk(tx, THINGS, [thing(1, at=datetime(2026, 1, 1))])  # noqa: DTZ001 - naive on purpose


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
async def test_a_nul_is_told_as_unstorable(db: Database) -> None:
    with pytest.raises(Exception, match="nicode") as refused:
        async with db.write() as tx:
            await insert_bulk(tx, THINGS, [thing(1, code="a\x00b")])
    assert is_unstorable(refused.value)


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
async def test_plans_are_made_afresh(db: Database) -> None:
    async with db.read() as tx:
        assert await tx.scalar(text("SHOW plan_cache_mode")) == "force_custom_plan"


@pytest.mark.parametrize(
    "data", [{"a": [1, None, {"b": "客"}]}, [], "text", "null", '"', 7, 2**53 + 1, 0.5, True, False, None]
)
async def test_json_comes_back_as_it_was(db: Database, data: Any) -> None:
    async with db.write() as tx:
        await insert_bulk(tx, THINGS, [thing(1, data=data)])
        is_null = await tx.scalar(select(THINGS.c.data.is_(null())))
    assert (await stored(db))[0]["data"] == data
    assert type((await stored(db))[0]["data"]) is type(data)
    assert is_null == (data is None)


async def test_inserting_answers_the_columns_that_were_asked_for(db: Database) -> None:
    async with db.write() as tx:
        await insert_bulk(tx, THINGS, [thing(1)])
        rows = [thing(number) for number in (1, 2, 3)]
        found = await insert_bulk(tx, THINGS, rows, ignore=True, returning=["code", "units"])
    assert sorted(found) == [("c2", 2), ("c3", 3)]


async def test_upserts_change_what_is_there_and_insert_the_rest(db: Database) -> None:
    async with db.write() as tx:
        await insert_bulk(tx, THINGS, [thing(1), thing(2)])
        rows = [thing(number, code=f"n{number}", weight=1.5, data={"n": number}) for number in (2, 3)]
        await upsert_bulk(tx, THINGS, rows, ["weight", "data"])
        await upsert_bulk(tx, THINGS, [], ["weight"])
    assert [(row["id"], row["code"], row["weight"], row["data"]) for row in await stored(db)] == [
        ("t1", "c1", None, None),
        ("t2", "c2", 1.5, {"n": 2}),
        ("t3", "n3", 1.5, {"n": 3}),
    ]


async def test_an_older_write_never_wins(db: Database) -> None:
    def write(weight: float, minutes: int) -> dict[str, Any]:
        return thing(1, weight=weight, at=NOW + timedelta(minutes=minutes))

    async with db.write() as tx:
        for weight, minutes in ((1.0, 5), (2.0, 4), (3.0, 5), (4.0, 0)):
            await upsert_bulk(tx, THINGS, [write(weight, minutes)], ["weight", "at"], newer=["at"])
    assert [(row["weight"], row["at"]) for row in await stored(db)] == [(3.0, NOW + timedelta(minutes=5))]
