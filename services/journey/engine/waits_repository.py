"""The SQL of waits: the rows by which events find the runs that they concern."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import delete, select

from services.journey.engine.models import WaitRow
from shared.db import Transaction, insert_bulk, one_of

# Pairs are looked for by their columns too: for pairs alone PostgreSQL reads the whole table until it has statistics.
_FIND = select(WaitRow.table).where(
    one_of(WaitRow.c.event_name, "names"),
    one_of(WaitRow.c.corr_key, "keys"),
    one_of((WaitRow.c.event_name, WaitRow.c.corr_key), "pairs"),
)
_OF_RUNS = delete(WaitRow.table).where(one_of(WaitRow.c.run_id, "run_ids"))
_ENDED = _OF_RUNS.where(WaitRow.c.kind != "goal")
_REACHED = _OF_RUNS.where(WaitRow.c.kind == "goal")
_LEFT = _OF_RUNS.where(WaitRow.c.kind == "node", one_of((WaitRow.c.run_id, WaitRow.c.node_id), "pairs"))


async def insert_waits(tx: Transaction, rows: Sequence[Mapping[str, Any]]) -> None:
    """New waits."""
    await insert_bulk(tx, WaitRow.table, rows)


async def find_waits(tx: Transaction, wanted: Collection[tuple[str, str]]) -> dict[tuple[str, str], list[WaitRow]]:
    """The waits for each (event name, correlation key)."""
    found: dict[tuple[str, str], list[WaitRow]] = {}
    if not wanted:
        return found
    names, keys = ({pair[place] for pair in wanted} for place in (0, 1))
    for row in await tx.rows(WaitRow, _FIND, {"names": names, "keys": keys, "pairs": wanted}):
        found.setdefault((row.event_name, row.corr_key), []).append(row)
    return found


async def delete_left(tx: Transaction, nodes: Sequence[tuple[str, str]]) -> None:
    """The waits of (run, node) that were left."""
    if nodes:
        await tx.run(_LEFT, {"run_ids": {run_id for run_id, _ in nodes}, "pairs": nodes})


async def delete_ended(tx: Transaction, run_ids: Sequence[str]) -> None:
    """All but the goals of runs that ended."""
    if run_ids:
        await tx.run(_ENDED, {"run_ids": run_ids})


async def delete_goals(tx: Transaction, run_ids: Sequence[str]) -> None:
    """Goals that were reached."""
    if run_ids:
        await tx.run(_REACHED, {"run_ids": run_ids})
