"""Asks a database whether it takes writes, by writing: an answer to SELECT 1 says nothing of a disk that is full."""

import os
import secrets
from datetime import datetime
from pathlib import Path

from sqlalchemy import MetaData

from shared.db.dialect import upsert
from shared.db.engine import Database
from shared.db.faults import Trouble, kind_of

_OWNER = "quanyu:probe"
_SMALL, _LARGE = 1_000, 64_000
_LEAST_ROOM = 1_000_000
"""Bytes. A write-ahead log that was once longer takes small writes for a while on a disk that has nothing left."""


async def trouble_of(db: Database, metadata: MetaData, now: datetime) -> Trouble | None:
    """What keeps a part's database from being written to; None when it was written a moment ago, or is by this.

    `metadata` is the part's, whose table of idempotency records has the row. Raises what is no trouble of the database's.
    """
    if db.condition.surely_writes:
        return None
    size = _SMALL if db.condition.trouble is None else _LARGE
    row = {
        "owner": _OWNER,
        "key": "writes",
        "fingerprint": "",
        "token": "",
        "body": secrets.token_bytes(size),  # zeros would be compressed
        "created_at": now,
    }
    try:
        async with db.write() as tx:
            await upsert(tx, metadata.tables["idempotency"], [row], ["owner", "key"], ["body", "created_at"])
    except Exception as error:
        found = kind_of(error)
        if found is None:
            raise
        return found
    if db.file is not None and _room(db.file) < _LEAST_ROOM:
        return Trouble.FULL
    db.condition.writes()
    return None


def _room(file: Path) -> int:
    """Bytes left on its disk for us."""
    found = os.statvfs(file.parent)
    return found.f_bavail * found.f_frsize
