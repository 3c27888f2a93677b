"""Audits name what breaks a check, alike on both databases."""

from datetime import UTC, datetime
from typing import Any

import pytest
from conftest import Backend
from sqlalchemy import BigInteger, func, literal, select, union_all

from shared.audit import SHOWN, AuditView, Check, judge, run_checks
from shared.db import Database


def numbers(*found: int) -> Any:
    return union_all(*(select(literal(number, BigInteger).label("number")) for number in found)).subquery()


async def proved(backend: Backend, *checks: Check) -> AuditView:
    db = Database(backend.database_url or f"sqlite:///{backend.data_dir}/audit.db", schema="audit")
    try:
        async with db.read() as tx:
            return await run_checks(tx, checks)
    finally:
        await db.close()


async def test_a_check_that_holds_says_what_holds(backend: Backend) -> None:
    table = numbers(1, 2)
    found = await proved(backend, Check("small", "all numbers are small", select(table).where(table.c.number > 2)))
    assert found.model_dump() == {
        "ok": True,
        "checks": [{"name": "small", "ok": True, "detail": "Holds: all numbers are small.", "offending": []}],
    }


async def test_a_broken_check_names_the_rows_and_breaks_the_whole(backend: Backend) -> None:
    table = numbers(1, 2, 3)
    good = Check("good", "nothing is negative", select(table).where(table.c.number < 0))
    summed = select(literal("x").label("sku"), func.sum(table.c.number).label("total"))
    found = await proved(backend, good, Check("sum", "the sum is nothing", summed))
    assert (found.ok, [check.ok for check in found.checks]) == (False, [True, False])
    assert found.checks[1].offending == [{"sku": "x", "total": 6}]
    assert found.checks[1].detail == "Broken: the sum is nothing. By: sku x, total 6."


@pytest.mark.parametrize(
    ("count", "more"), [(2, ", and 1 more."), (SHOWN, ", and 19 more."), (SHOWN + 5, ", and at least 20 more.")]
)
async def test_the_rows_named_are_bounded(backend: Backend, count: int, more: str) -> None:
    check = (await proved(backend, Check("none", "there is no number", select(numbers(*range(count)))))).checks[0]
    assert check.detail.endswith(more)
    assert len(check.offending) == min(count, SHOWN)


def test_rows_found_in_another_way_are_worded_alike() -> None:
    at = datetime(2026, 11, 11, 2, 0, tzinfo=UTC)
    assert judge("due", "nothing is late", []).ok
    assert judge("due", "nothing is late", [{"id": "a", "due_at": at}]).offending == [
        {"id": "a", "due_at": "2026-11-11T02:00:00Z"}
    ]
