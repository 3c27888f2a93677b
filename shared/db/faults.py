"""Tells a database that is away from a database that refuses one statement."""

import asyncio

from pydantic_core import PydanticSerializationError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

_AWAY = ("CannotConnectNow", "ConnectionDoesNotExist", "AdminShutdown", "TooManyConnections", "ConnectionFailure")
_FULL = ("53300", "57P03")  # too many connections; the server is starting up
_RETRY = ("SerializationError", "DeadlockDetected", "InvalidCachedStatement")  # the last after a column's type changed
_SQLITE_AWAY = ("database is locked", "disk I/O error", "database or disk is full", "unable to open database file")
_UNSTORABLE = ("CharacterNotInRepertoire", "UntranslatableCharacter", "DataError", "NumericValueOutOfRange")


def _names(error: BaseException) -> str:
    chain = [error]
    while (cause := chain[-1].__cause__ or getattr(chain[-1], "orig", None)) is not None and cause not in chain:
        chain.append(cause)
    return " ".join(
        f"{type(one).__mro__[:-2]} {one}" if isinstance(one, DBAPIError) else str(type(one).__mro__) for one in chain
    )


def is_outage(error: BaseException) -> bool:
    """True when the database could not be reached or used: nothing was wrong with the request."""
    if isinstance(error, OSError | PoolTimeoutError | asyncio.TimeoutError):
        return True
    if not isinstance(error, DBAPIError):
        return False
    text = _names(error)
    return error.connection_invalidated or any(name in text for name in (*_AWAY, *_SQLITE_AWAY))


def is_full(error: BaseException) -> bool:
    """True when the server has no connection left for us, or is just starting: it has one in a while."""
    return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) in _FULL


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
