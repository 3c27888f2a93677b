"""Many rows to write, also with JSON: one bound list for each column instead of a parameter for each value.

PostgreSQL plans such a statement once, however many rows it brings; SQLite is as fast with ordinary parameters.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, bindparam, cast, func, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.types import JSON, Text

from shared.db import Transaction, excluded, insert_ignore, json_dumps, upsert

Rows = Sequence[Mapping[str, Any]]


async def insert_new(tx: Transaction, target: Table, rows: Rows, returning: ColumnElement[Any]) -> set[Any]:
    """Insert what is not there yet; answers `returning` of the rows that were inserted. Rows have the same keys."""
    if not rows:
        return set()
    if tx.dialect == "sqlite":
        return {row[0] for row in await insert_ignore(tx, target, rows, returning=[returning])}
    statement = postgresql.insert(target).from_select(list(rows[0]), _unnested(target, rows))
    return set(await tx.scalars(statement.on_conflict_do_nothing().returning(returning)))


async def insert_or_update(
    tx: Transaction, target: Table, rows: Rows, changed: Sequence[str], newer: str | None = None
) -> None:
    """Insert rows, or set their `changed` columns where the primary key is there already. `newer`: a column that must not
    be smaller than what is there, else the row stays as it is. Rows have the same keys, and each key once."""
    key = [column.name for column in target.primary_key.columns]
    if not rows:
        return
    if tx.dialect == "sqlite":
        where = None if newer is None else target.c[newer] <= excluded(tx, target)[newer]
        await upsert(tx, target, rows, key, changed, where=where)
        return
    statement = postgresql.insert(target).from_select(list(rows[0]), _unnested(target, rows))
    new = statement.excluded
    where = None if newer is None else target.c[newer] <= new[newer]
    changes = {name: new[name] for name in changed}
    await tx.run(statement.on_conflict_do_update(index_elements=key, set_=changes, where=where))


def _unnested(target: Table, rows: Rows) -> Select[Any]:
    """The rows as a query: one array for each column."""
    names = list(rows[0])
    json = {name for name in names if isinstance(target.c[name].type, JSON)}
    lists = [
        bindparam(
            None,
            [_json(row[name]) for row in rows] if name in json else [row[name] for row in rows],
            type_=ARRAY(Text() if name in json else target.c[name].type),
            unique=True,
        )
        for name in names
    ]
    found = func.unnest(*lists).table_valued(*names).render_derived()
    return select(*[cast(found.c[name], JSONB) if name in json else found.c[name] for name in names])


def _json(value: Any) -> str | None:
    return None if value is None else json_dumps(value)
