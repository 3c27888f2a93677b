"""Tells a database that is away, full or read-only from a database that refuses one statement."""

import asyncio
import errno
import sqlite3
from collections.abc import Iterator
from enum import Enum

from pydantic_core import PydanticSerializationError
from sqlalchemy.exc import DBAPIError, EmulatedDBAPIException
from sqlalchemy.exc import TimeoutError as PoolTimeoutError


class Trouble(Enum):
    """What keeps a database from its work. The value says it to an operator, after "the database of … "."""

    AWAY = "does not answer"
    STARTING = "is starting up or recovering, and lets nobody in yet"
    FULL = "has no room left: its disk, quota or volume is full, so that nothing can be written"
    READ_ONLY = "takes no writes: it is a standby, set to read only, or a file or disk that may not be written"
    FAILING = "can't read or write its disk"
    MEMORY = "is out of memory"

    @property
    def lasting(self) -> bool:
        """It answers, and yet nothing can be written until an operator, or a failover, has mended it."""
        return self in (Trouble.FULL, Trouble.READ_ONLY, Trouble.FAILING)


_OF_STATE = {
    "53100": Trouble.FULL,
    "53200": Trouble.MEMORY,
    "57P03": Trouble.STARTING,
    "25006": Trouble.READ_ONLY,
    "58030": Trouble.FAILING,
    **dict.fromkeys(("53300", "57P01", "57P02", "25P03", "08000", "08001", "08003", "08004", "08006"), Trouble.AWAY),
}
"""PostgreSQL's SQLSTATE codes."""
_OF_SQLITE = {
    sqlite3.SQLITE_FULL: Trouble.FULL,
    sqlite3.SQLITE_READONLY: Trouble.READ_ONLY,
    sqlite3.SQLITE_IOERR: Trouble.FAILING,
    sqlite3.SQLITE_NOMEM: Trouble.MEMORY,
    **dict.fromkeys((sqlite3.SQLITE_BUSY, sqlite3.SQLITE_CANTOPEN), Trouble.AWAY),
}
_OF_ERRNO = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), Trouble.FULL),
    errno.EROFS: Trouble.READ_ONLY,
    errno.EIO: Trouble.FAILING,
}
_NO_CONNECTION = ("53300", "57P03")  # too many connections; the server is starting up
_RETRY = ("SerializationError", "DeadlockDetected", "InvalidCachedStatement")  # the last after a column's type changed
_UNSTORABLE = ("CharacterNotInRepertoire", "UntranslatableCharacter", "DataError", "NumericValueOutOfRange")


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what it was raised from, down to the driver's own."""
    seen: list[BaseException] = []
    one: BaseException | None = error
    while one is not None and one not in seen:
        seen.append(one)
        yield one
        one = one.__cause__ or getattr(one, "orig", None)


def _names(error: BaseException) -> str:
    return " ".join(str(type(one).__mro__) for one in _chain(error))


def kind_of(error: BaseException) -> Trouble | None:
    """What is wrong with the database; None when it is well and something else failed.

    A wait that ended without an answer, a refused connection and whatever else the operating system says of files count as
    the database's: who handles an error of another origin has caught it before.
    """
    if isinstance(error, OSError):
        return _OF_ERRNO.get(error.errno or 0, Trouble.AWAY)
    if isinstance(error, PoolTimeoutError | asyncio.TimeoutError):
        return Trouble.AWAY
    if not isinstance(error, DBAPIError | EmulatedDBAPIException | sqlite3.Error):
        return None
    for one in _chain(error):
        found = _OF_STATE.get(getattr(one, "sqlstate", None) or "")
        if found is None and isinstance(one, sqlite3.Error):
            # Without room for its index a write-ahead log fails as a disk that is broken.
            code: int = getattr(one, "sqlite_errorcode", 0)
            found = Trouble.FULL if code == sqlite3.SQLITE_IOERR_SHMSIZE else _OF_SQLITE.get(code & 0xFF)
        if found is not None:
            return found
        if isinstance(one, OSError):
            return _OF_ERRNO.get(one.errno or 0, Trouble.AWAY)
    return Trouble.AWAY if getattr(error, "connection_invalidated", False) else None


def is_outage(error: BaseException) -> bool:
    """True when the database could not be reached or used: nothing was wrong with the request.

    One that is out of memory is none: a single statement may have asked for too much of it.
    """
    return kind_of(error) not in (None, Trouble.MEMORY)


def is_full(error: BaseException) -> bool:
    """True when the server has no connection left for us, or is just starting: it has one in a while."""
    return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) in _NO_CONNECTION


def is_transient(error: BaseException) -> bool:
    """True when the same transaction may succeed if it runs again (deadlock, serialization)."""
    return isinstance(error, DBAPIError) and any(name in _names(error) for name in _RETRY)


def is_unstorable(error: BaseException) -> bool:
    """True when a value itself can't be stored: a NUL character, a lone surrogate, a number beyond 64 bits."""
    if isinstance(error, OverflowError | UnicodeEncodeError):
        return True
    if isinstance(error, PydanticSerializationError):  # what a JSON column is written by; it names the error it hides
        return "UnicodeEncodeError" in str(error)
    return isinstance(error, DBAPIError) and any(name in _names(error) for name in _UNSTORABLE)
