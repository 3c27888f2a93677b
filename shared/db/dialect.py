"""The few statements that SQLite and PostgreSQL spell differently. Nothing else in the suite asks for the dialect."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, Table, select, text, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite

from shared.db.base import TableModel
from shared.db.transaction import Transaction

Columns = Sequence[ColumnElement[Any]]
M = TypeVar("M", bound=TableModel)


def _insert(tx: Transaction, target: Table) -> Any:
    return postgresql.insert(target) if tx.dialect == "postgresql" else sqlite.insert(target)


async def insert_ignore(
    tx: Transaction, target: Table, rows: Sequence[Mapping[str, Any]], returning: Columns | None = None
) -> list[tuple[Any, ...]]:
    """INSERT … ON CONFLICT DO NOTHING. Answers what was really inserted (`returning`, default the primary key).

    In which order it comes back is not promised.
    """
    if not rows:
        return []
    columns = returning or list(target.primary_key.columns)
    statement = _insert(tx, target).on_conflict_do_nothing().returning(*columns)
    return [tuple(row) for row in (await tx.execute(statement, list(rows))).all()]


async def upsert(
    tx: Transaction,
    target: Table,
    rows: Sequence[Mapping[str, Any]],
    key: Sequence[str],
    update_columns: Sequence[str] | Mapping[str, Any],
    where: ColumnElement[bool] | None = None,
) -> None:
    """INSERT … ON CONFLICT (key) DO UPDATE. `update_columns` names columns to take from the new row, or gives expressions.

    `where` limits which existing rows are changed (for last-write-wins by a time). Use `excluded(tx, table)` in expressions.
    """
    if not rows:
        return
    statement = _insert(tx, target)
    if isinstance(update_columns, Mapping):
        changes = dict(update_columns)
    else:
        changes = {name: statement.excluded[name] for name in update_columns}
    await tx.execute(statement.on_conflict_do_update(index_elements=list(key), set_=changes, where=where), list(rows))


def excluded(tx: Transaction, target: Table) -> Any:
    """The row that an upsert would have inserted."""
    return _insert(tx, target).excluded


async def claim_due(
    tx: Transaction,
    kind: type[M],
    *,
    where: ColumnElement[bool],
    order_by: ColumnElement[Any],
    limit: int,
    values: Mapping[str, Any],
) -> list[M]:
    """Take up to `limit` rows of a model's table for this worker: mark them with `values` and answer them.

    Rows that another PostgreSQL transaction holds are skipped; on SQLite there is one writer at a time.
    """
    target = kind.table
    keys = list(target.primary_key.columns)
    chosen = select(*keys).where(where).order_by(order_by).limit(limit).with_for_update(skip_locked=True)
    return await tx.rows(kind, update(target).where(among(keys, chosen), where).values(**values).returning(target))


def among(keys: Columns, chosen: Select[*tuple[Any, ...]]) -> ColumnElement[bool]:
    """That `keys` are among the `chosen`, for a statement that changes rows which it has chosen and locked itself.

    As a CTE the choice is made once. A plain sub-select may be run again for each row of the table, skip what it has locked
    itself, and so take everything.
    """
    once = select(*chosen.cte("chosen").columns)
    return tuple_(*keys).in_(once) if len(keys) > 1 else keys[0].in_(once)


@asynccontextmanager
async def planned_for_whole_tables(tx: Transaction) -> AsyncIterator[None]:
    """For statements that compare whole tables with each other (audits).

    Without statistics of fresh rows PostgreSQL would look each row up by itself, and take minutes where a hash takes a second.
    """
    if tx.dialect != "postgresql":
        yield
        return
    await tx.execute(text("SET enable_nestloop = off"))
    try:
        yield
    finally:
        await tx.execute(text("RESET enable_nestloop"))
