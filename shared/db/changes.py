"""Whether anything was written to a database since one looked last, by whichever process: one number, at next to no cost.

Nothing is added to what writes. SQLite counts the commits of others for every connection (`PRAGMA data_version`,
https://www.sqlite.org/pragma.html#pragma_data_version). PostgreSQL names what a statement can see (`pg_current_snapshot()`,
https://www.postgresql.org/docs/15/functions-info.html#FUNCTIONS-INFO-SNAPSHOT): two equal snapshots see the same rows. It is
the snapshot of the whole server, so somebody else's work there may look like ours, never the other way round.
"""

import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import select, text

from shared.db.engine import Database
from shared.db.prepared import Prepared

_SNAPSHOT = Prepared(select(text("pg_current_snapshot()::text")))


class Changes:
    """One reader's view. Call it on one event loop, and `close` it at the end."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._file = db.file
        self._connection: sqlite3.Connection | None = None
        self._seen: object = None

    async def any(self) -> bool:
        """True when something may have been written since the last call; at the first one it always may."""
        seen = self._version() if self._file else await self._snapshot()
        if seen == self._seen:
            return False
        self._seen = seen
        return True

    def _version(self) -> Any:
        # Not in a thread: it reads a number in shared memory, and the way to a thread and back costs ten times as much.
        if self._connection is None:
            where = f"{Path(str(self._file)).absolute().as_uri()}?mode=rw"
            self._connection = sqlite3.connect(where, timeout=0, isolation_level=None, uri=True)
        return self._connection.execute("PRAGMA data_version").fetchone()

    async def _snapshot(self) -> Any:
        async with self._db.read() as tx:
            return await tx.scalar(_SNAPSHOT)

    def close(self) -> None:
        """Close the connection of its own, where it has one."""
        with suppress(sqlite3.Error):
            if self._connection is not None:
                self._connection.close()
        self._connection, self._seen = None, None
