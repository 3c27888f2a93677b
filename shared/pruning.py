"""Forgetting: rows go some time after the instant in one of their columns."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import Column, Table

from shared.clock import Clock
from shared.db import Database, prune


class Pruner:
    """A loop's work: `Loop("prune sightings", Pruner(kit.db, kit.clock, {Sighting.c.last_at: MONTH}).tick, 3600.0, timed=True)`.

    The columns need an index. Rows without an instant stay.
    """

    def __init__(self, db: Database, clock: Clock, kept: Mapping[Column[Any], timedelta]) -> None:
        """`kept` gives for each column how long its row is kept after the instant in it."""
        self._db = db
        self._clock = clock
        self._kept = kept

    async def tick(self) -> bool:
        """One bounded round for each of the tables. True: more may wait."""
        now, more = self._clock.now(), False
        for column, age in self._kept.items():
            assert isinstance(column.table, Table)  # noqa: S101 - columns of subqueries have no rows to delete
            more |= await prune(self._db, column.table, column <= now - age)
        return more
