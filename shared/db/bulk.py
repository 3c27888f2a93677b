"""Many rows in one statement with one parameter: the rows travel as a JSON array that the database takes apart.

For hot paths. Against the driver's executemany it saves a plan start per row on the server and most of the binding on our side
(about half of both for 32 rows). Columns may be text, numbers, booleans and instants; not bytes, not JSON.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Table, TextClause, text
from sqlalchemy.dialects import postgresql

from shared.db.engine import Transaction
from shared.db.types import bulk_json

_POSTGRESQL = postgresql.dialect()  # type: ignore[no-untyped-call] # SQLAlchemy types it for 2.1 only in part


async def insert_bulk(
    tx: Transaction, target: Table, rows: Sequence[Mapping[str, Any]], *, ignore: bool = False
) -> list[tuple[Any, ...]]:
    """INSERT all rows, which have the same keys. `ignore`: ON CONFLICT DO NOTHING.

    Answers the primary keys of the rows that were really inserted, in no promised order. Rows are inserted in theirs.
    """
    if not rows:
        return []
    statement = _insert(target, tuple(rows[0]), tx.dialect, ignore)
    return [tuple(row) for row in (await tx.execute(statement, {"rows": bulk_json(rows)})).all()]


async def update_bulk(
    tx: Transaction,
    target: Table,
    rows: Sequence[Mapping[str, Any]],
    *,
    match: Mapping[str, str],
    values: Mapping[str, str],
) -> int:
    """UPDATE many rows, each with values of its own; answers how many were changed.

    `match` gives for each column that finds the row the key in `rows`, `values` the SQL of each column's new value, in which
    `given.` names a key of `rows` and `kept.` the row as it is: `{"available": "kept.available + given.more"}`. Keys of
    `rows` that are no columns are 64-bit numbers.
    """
    if not rows:
        return 0
    shape = (tuple(rows[0]), tuple(match.items()), tuple(values.items()))
    return (await tx.execute(_update(target, *shape, tx.dialect), {"rows": bulk_json(rows)})).rowcount


@lru_cache(maxsize=256)
def _insert(target: Table, names: tuple[str, ...], dialect: str, ignore: bool) -> TextClause:
    columns = ", ".join(f'"{name}"' for name in names)
    keys = ", ".join(f'"{column.name}"' for column in target.primary_key.columns)
    conflict = " ON CONFLICT DO NOTHING" if ignore else ""
    # SQLite needs the WHERE to tell this ON from a join's.
    return text(
        f'INSERT INTO "{target.name}" ({columns}) SELECT {columns} FROM {_source(target, names, dialect)} '  # noqa: S608 - names of our own tables
        f"WHERE true{conflict} RETURNING {keys}"
    )


@lru_cache(maxsize=256)
def _update(
    target: Table,
    names: tuple[str, ...],
    match: tuple[tuple[str, str], ...],
    values: tuple[tuple[str, str], ...],
    dialect: str,
) -> TextClause:
    changes = ", ".join(f'"{column}" = {value}' for column, value in values)
    found = " AND ".join(f'kept."{column}" = given."{name}"' for column, name in match)
    source = _source(target, names, dialect)
    return text(f'UPDATE "{target.name}" AS kept SET {changes} FROM {source} WHERE {found}')  # noqa: S608 - names of our own tables


def _source(target: Table, names: tuple[str, ...], dialect: str) -> str:
    """The JSON parameter as a table named `given`."""
    if dialect == "postgresql":
        kinds = ", ".join(f'"{name}" {_kind(target, name)}' for name in names)
        return f"json_to_recordset(CAST(:rows AS json)) AS given({kinds})"
    fields = ", ".join(f"json_extract(value, '$.{name}') AS \"{name}\"" for name in names)
    return f"(SELECT {fields} FROM json_each(:rows)) AS given"  # noqa: S608 - names of our own columns


def _kind(target: Table, name: str) -> str:
    column = target.columns.get(name)
    return "bigint" if column is None else str(column.type.compile(_POSTGRESQL))
