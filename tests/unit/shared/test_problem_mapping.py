"""Which problem an exception becomes when nobody caught it."""

import errno
import sqlite3
from contextlib import closing

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError

from shared.db import Trouble, is_outage, kind_of
from shared.web.problems import to_problem


def refused(cause: Exception) -> DBAPIError:
    original = Exception("wrapped by the driver")
    original.__cause__ = cause
    return DBAPIError("UPDATE", {}, original)


@pytest.mark.parametrize("kind", [asyncpg.DeadlockDetectedError, asyncpg.SerializationError])
def test_rows_in_dispute_ask_to_come_again(kind: type[asyncpg.PostgresError]) -> None:
    problem = to_problem(refused(kind("in dispute")))
    assert problem is not None
    assert (problem.status, problem.code, problem.headers["Retry-After"]) == (503, "hot_rows", "1")


def test_a_bug_is_no_problem_document_of_the_callers() -> None:
    assert to_problem(KeyError("x")) is None
    assert to_problem(refused(asyncpg.UniqueViolationError("twice"))) is None


@pytest.mark.parametrize(
    ("cause", "code", "outage"),
    [
        (asyncpg.DiskFullError("could not extend file"), "storage_full", True),
        (asyncpg.ReadOnlySQLTransactionError("cannot execute INSERT"), "storage_read_only", True),
        (asyncpg.PostgresIOError("could not read block"), "storage_failing", True),
        (asyncpg.CannotConnectNowError("is starting up"), "database_starting", True),
        (asyncpg.OutOfMemoryError("out of shared memory"), "database_out_of_memory", False),
        (asyncpg.AdminShutdownError("terminating connection"), "temporarily_unavailable", True),
        (asyncpg.ConnectionDoesNotExistError("closed"), "temporarily_unavailable", True),
        (OSError(errno.ENOSPC, "No space left on device"), "storage_full", True),
        (OSError(errno.EROFS, "Read-only file system"), "storage_read_only", True),
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), "temporarily_unavailable", True),
    ],
)
def test_what_keeps_a_database_from_its_work_is_told_by_its_name(cause: Exception, code: str, outage: bool) -> None:
    for error in (refused(cause), *([cause] if isinstance(cause, OSError) else [])):
        problem = to_problem(error)
        assert problem is not None
        assert (problem.status, problem.code) == (503, code)
        assert 1 <= int(problem.headers["Retry-After"]) <= 60
        assert is_outage(error) is outage


def test_sqlite_is_told_by_its_error_codes_not_by_its_words() -> None:
    with pytest.raises(sqlite3.OperationalError) as caught, closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE full (words)")
        connection.execute("PRAGMA max_page_count=1")
        connection.execute("INSERT INTO full VALUES (zeroblob(100000))")
    assert kind_of(refused(caught.value)) is Trouble.FULL
    assert kind_of(refused(sqlite3.IntegrityError("UNIQUE constraint failed: note.disk I/O error"))) is None
