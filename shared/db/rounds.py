"""Work that waits in tables, done in rounds of bounded size, so that nobody waits long for SQLite's only writer.

Both look before they write: a write transaction every second would disturb those who have something to write.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import ColumnElement, Select, Table, delete, select

from shared.db.dialect import among
from shared.db.engine import Database
from shared.db.transaction import Transaction

R = TypeVar("R")
PRUNED_AT_ONCE = 500


class Due(NamedTuple):
    """What a loop looks for: the `rows` that wait for it `now`.

    `at` answers the instant at which the first of them is due or will be, by an index; without it all of them are due at once.
    """

    rows: Select[*tuple[Any, ...]]
    at: Select[tuple[datetime]] | None = None
    now: datetime | None = None


async def sweep(
    db: Database, kind: type[R], due: Due, size: int, work: Callable[[Transaction, Sequence[R]], Awaitable[None]]
) -> bool | float:
    """One round of a loop: hold the next `size` rows of `due` and do `work` in the same transaction. True: more may wait;
    a number: the seconds until the next are due; False: none will be before something is written.

    Rows that another PostgreSQL transaction holds are skipped, and `work` is not called for none.
    """
    async with db.read() as tx:
        if due.at is None or due.now is None:
            if (await tx.execute(due.rows.limit(1))).first() is None:
                return False
        elif wait := seconds_until(await tx.scalar(due.at), due.now):
            return wait
        elif wait is None:
            return False
    async with db.write() as tx:
        rows = await tx.rows(kind, due.rows.limit(size).with_for_update(skip_locked=True))
        if rows:
            await work(tx, rows)
    return len(rows) == size


def seconds_until(at: datetime | None, now: datetime) -> float | None:
    """How long a loop may sleep; 0 when it is time, None when nothing has a time."""
    return None if at is None else max((at - now).total_seconds(), 0.0)


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
