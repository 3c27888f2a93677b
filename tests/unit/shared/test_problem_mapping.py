"""Which problem an exception becomes when nobody caught it."""

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError

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
