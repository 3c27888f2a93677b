"""Counts calls in memory, and writes the sums down every few seconds: no request waits for it, however many there are.

A gateway that is killed forgets what it counted since (five seconds at most); one that stops in peace forgets nothing. Where the
database's answer to a commit is lost, those seconds may be counted twice. What is held is bounded by keys times operations.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.limits.period_counts import Later, carry_at_the_end
from gateway.limits.periods import Calendar
from gateway.usage import repository
from gateway.usage.repository import Numbers
from gateway.usage.rules import OUTCOMES, outcome
from shared.service import Kit

CARRY_SECONDS = 5.0
_Place = tuple[str, str, str, str, str]


class UsageCounter:
    """`note` for each call; `carry` is the body of a loop. Hold `running()` open meanwhile."""

    def __init__(self, kit: Kit, calendar: Calendar) -> None:
        self._db = kit.db
        self._clock = kit.clock
        self._log = kit.log
        self._calendar = calendar
        self._counts: dict[_Place, list[int]] = {}
        self._later = Later(CARRY_SECONDS)
        self.wake = self._later.wake

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """What was counted is written down at the end."""
        try:
            yield
        finally:
            await carry_at_the_end(self.carry, self._log)

    def note(self, owner_id: str, key_id: str, method: str, template: str, status: int) -> None:
        """One call was answered. `unmatched`, without a method, is what was no operation."""
        day = self._calendar.span("day", self._clock.now().timestamp()).label
        place = (day, key_id, method, template, owner_id)
        counts = self._counts.get(place)
        if counts is None:
            counts = self._counts[place] = [0] * len(OUTCOMES)
            self._later.begin()
        counts[outcome(status)] += 1

    async def carry(self) -> None:
        """Write down what was counted since the last round, in one transaction; nothing where nothing was called."""
        taken, self._counts = self._counts, {}
        if not taken:
            return
        try:
            async with self._db.write() as tx:
                await repository.add_counts(tx, [_row(place, counts) for place, counts in sorted(taken.items())])
        except BaseException:
            self._take_back(taken)
            raise

    def _take_back(self, taken: dict[_Place, list[int]]) -> None:
        for place, counts in taken.items():
            since = self._counts.get(place, (0,) * len(OUTCOMES))
            self._counts[place] = [one + other for one, other in zip(counts, since, strict=True)]


def _row(place: _Place, counts: list[int]) -> Numbers:
    day, key_id, method, template, owner_id = place
    return {
        "day": day,
        "key_id": key_id,
        "route": f"{method} {template}".lstrip(),
        "owner_id": owner_id,
        **dict(zip(OUTCOMES, counts, strict=True)),
    }
