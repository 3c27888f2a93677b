"""Work that waits in tables, done in rounds of bounded size, so that nobody waits long for SQLite's only writer.

Both look before they write: a write transaction every second would disturb those who have something to write.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, Table, delete, select

from shared.db.dialect import among
from shared.db.engine import Database
from shared.db.transaction import Transaction

R = TypeVar("R")
PRUNED_AT_ONCE = 500


async def sweep(
    db: Database,
    kind: type[R],
    due: Select[*tuple[Any, ...]],
    size: int,
    work: Callable[[Transaction, Sequence[R]], Awaitable[None]],
) -> bool:
    """One round of a loop: hold the next `size` rows of `due` and do `work` in the same transaction. True: more may wait.

    Rows that another PostgreSQL transaction holds are skipped, and `work` is not called for none.
    """
    async with db.read() as tx:
        if (await tx.execute(due.limit(1))).first() is None:
            return False
    async with db.write() as tx:
        rows = await tx.rows(kind, due.limit(size).with_for_update(skip_locked=True))
        if rows:
            await work(tx, rows)
    return len(rows) == size


async def prune(db: Database, target: Table, where: ColumnElement[bool], size: int = PRUNED_AT_ONCE) -> bool:
    """Delete up to `size` of the rows that match, in a transaction of their own. True: more may wait."""
    async with db.read() as tx:
        if (await tx.execute(select(*target.primary_key.columns).where(where).limit(1))).first() is None:
            return False
    async with db.write() as tx:
        return await delete_some(tx, target, where, size) == size


async def delete_some(tx: Transaction, target: Table, where: ColumnElement[bool], limit: int) -> int:
    """Delete up to `limit` of the rows that match, without those that another transaction holds. Answers how many."""
    keys = list(target.primary_key.columns)
    chosen = select(*keys).where(where).limit(limit).with_for_update(skip_locked=True)
    # Counted by what comes back: Python's SQLite driver has no count for a statement that begins with a CTE.
    return len(await tx.scalars(delete(target).where(among(keys, chosen), where).returning(*keys)))
