"""Tells who called what, and forgets it after thirty days."""

from collections.abc import AsyncIterator
from datetime import date, timedelta

from gateway.keys.cache import KeyCache
from gateway.limits.periods import Calendar
from gateway.usage import repository
from gateway.usage.models import UsageCount
from gateway.usage.repository import GroupBy, Used, WantedUsage
from gateway.usage.rules import OUTCOMES
from gateway.usage.schemas import UsageView
from shared.db import prune
from shared.service import Kit
from shared.web import Caller, Page, Paging, invalid

KEEP_DAYS = 30
_AT_ONCE = 1000
_COLUMNS = ("key_id", "owner_id", "route", "day", "calls", *OUTCOMES)


class Usage:
    """`page` and `csv` for who asks; `prune` is the body of a loop."""

    def __init__(self, kit: Kit, calendar: Calendar, keys: KeyCache) -> None:
        self._db = kit.db
        self._clock = kit.clock
        self._calendar = calendar
        self._keys = keys

    async def page(self, caller: Caller, paging: Paging, wanted: WantedUsage) -> Page[UsageView]:
        """What the caller may see of it."""
        async with self._db.read() as tx:
            return await repository.page(tx, caller, wanted, paging, _shown)

    async def csv(self, caller: Caller, wanted: WantedUsage) -> AsyncIterator[bytes]:
        """The same for spreadsheets: UTF-8 with a byte order mark. No cell begins with what is taken for a formula."""
        yield b"\xef\xbb\xbf" + ",".join(_COLUMNS).encode() + b"\r\n"
        last = ""
        while True:
            async with self._db.read() as tx:
                rows = await repository.sums_after(tx, caller, wanted, last, _AT_ONCE)
            if not rows:
                return
            last = str(getattr(rows[-1], "key_id" if wanted.group_by == "key" else wanted.group_by))
            yield b"".join(_line(_shown(row)) for row in rows)

    def wanted(self, first: date | None, last: date | None, key_id: str | None, group_by: GroupBy) -> WantedUsage:
        """Which sums are asked for: of the last thirty days unless it is said. Raises Unprocessable."""
        today = date.fromisoformat(self._calendar.span("day", self._clock.now().timestamp()).label)
        last = last or today
        first = first or last - timedelta(days=KEEP_DAYS - 1)
        if first > last:
            raise invalid("?from", "after_to", "`from` is the first day and `to` the last: give them in this order.")
        if key_id is not None:
            key_id = self._keys.lineage_of(key_id)
        return WantedUsage(first.isoformat(), last.isoformat(), key_id, group_by)

    async def prune(self) -> bool:
        """Forget days that are too old. True: more may wait."""
        today = date.fromisoformat(self._calendar.span("day", self._clock.now().timestamp()).label)
        first = (today - timedelta(days=KEEP_DAYS)).isoformat()
        return await prune(self._db, UsageCount.table, repository.older_than(first))


def _shown(row: Used) -> UsageView:
    counts = {name: int(getattr(row, name)) for name in OUTCOMES}
    return UsageView(**row._asdict() | counts, calls=sum(counts.values()))


def _line(view: UsageView) -> bytes:
    cells = (getattr(view, name) for name in _COLUMNS)
    return ",".join("" if cell is None else str(cell) for cell in cells).encode() + b"\r\n"
