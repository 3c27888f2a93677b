"""The SQL of waits: the rows by which events find the runs that they concern."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, tuple_

from services.journey.engine.models import WaitRow
from services.journey.storable import chunks
from shared.db import Transaction

_DELETE = delete(WaitRow.table).where(
    WaitRow.c.run_id == bindparam("run"), WaitRow.c.kind == "node", WaitRow.c.node_id == bindparam("node")
)


async def insert_waits(tx: Transaction, rows: Sequence[Mapping[str, Any]]) -> None:
    """New waits."""
    if rows:
        await tx.run(insert(WaitRow.table), list(rows))


async def find_waits(tx: Transaction, wanted: Iterable[tuple[str, str]]) -> dict[tuple[str, str], list[WaitRow]]:
    """The waits for each (event name, correlation key)."""
    found: dict[tuple[str, str], list[WaitRow]] = {}
    for part in chunks(sorted(set(wanted))):
        chosen = tuple_(WaitRow.c.event_name, WaitRow.c.corr_key).in_(part)
        for row in await tx.rows(WaitRow, select(WaitRow.table).where(chosen)):
            found.setdefault((row.event_name, row.corr_key), []).append(row)
    return found


async def delete_left(tx: Transaction, nodes: Sequence[tuple[str, str]]) -> None:
    """The waits of (run, node) that were left."""
    if nodes:
        await tx.run(_DELETE, [{"run": run_id, "node": node_id} for run_id, node_id in sorted(nodes)])


async def delete_ended(tx: Transaction, run_ids: Sequence[str]) -> None:
    """All but the goals of runs that ended."""
    for part in chunks(run_ids):
        await tx.run(delete(WaitRow.table).where(WaitRow.c.run_id.in_(part), WaitRow.c.kind != "goal"))


async def delete_goals(tx: Transaction, run_ids: Sequence[str]) -> None:
    """Goals that were reached."""
    for part in chunks(run_ids):
        await tx.run(delete(WaitRow.table).where(WaitRow.c.run_id.in_(part), WaitRow.c.kind == "goal"))
