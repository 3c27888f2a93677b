"""Audits: what must hold over a part's tables, each as one query for the rows that break it.

One statement sees one state of the database, so that work going on meanwhile raises no false alarm.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from typing import Any

from pydantic import Field
from pydantic_core import to_jsonable_python
from sqlalchemy import CompoundSelect, Select

from shared.db import Transaction, planned_for_whole_tables
from shared.web.schemas import JsonObject, View

SHOWN = 20


@dataclass(frozen=True, slots=True)
class Check:
    """`claim` is what must hold; `broken` selects the rows that break it, whose first columns name them."""

    name: str
    claim: str
    broken: Select[*tuple[Any, ...]] | CompoundSelect[*tuple[Any, ...]]


class CheckView(View):
    """One identity: does it hold? `detail` says what it claims; `offending` names up to twenty rows that break it."""

    name: str
    ok: bool
    detail: str
    offending: list[JsonObject] = Field(default_factory=list)


class AuditView(View):
    """All identities of a service. `ok` when each is."""

    ok: bool
    checks: list[CheckView]

    @classmethod
    def of(cls, checks: Sequence[CheckView]) -> "AuditView":
        """The answer of these checks: well when each of them is."""
        return cls(ok=all(check.ok for check in checks), checks=list(checks))


async def run_checks(tx: Transaction, checks: Iterable[Check]) -> AuditView:
    """Run every check, planned for whole tables, and word what was found."""
    async with planned_for_whole_tables(tx):
        found = [await _run(tx, check) for check in checks]
    return AuditView.of(found)


async def _run(tx: Transaction, check: Check) -> CheckView:
    rows = (await tx.execute(check.broken.limit(SHOWN + 1))).mappings()
    return judge(check.name, check.claim, ({str(key): value for key, value in row.items()} for row in rows))


def judge(name: str, claim: str, offending: Iterable[Mapping[str, Any]]) -> CheckView:
    """The view of a check whose offending rows were found in another way than by one query."""
    rows = [{key: _plain(value) for key, value in row.items()} for row in islice(offending, SHOWN + 1)]
    if not rows:
        return CheckView(name=name, ok=True, detail=f"Holds: {claim}.")
    first = ", ".join(f"{key} {value}" for key, value in rows[0].items())
    more = f", and {len(rows) - 1} more" if len(rows) > 1 else ""
    if len(rows) > SHOWN:
        more = f", and at least {SHOWN} more"
    return CheckView(name=name, ok=False, detail=f"Broken: {claim}. By: {first}{more}.", offending=rows[:SHOWN])


def _plain(value: Any) -> Any:
    """PostgreSQL answers sums of 64-bit numbers as Decimal."""
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return int(value)
    return to_jsonable_python(value)
