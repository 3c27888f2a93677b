"""The one way to change stock: lock the levels, move units in memory, write movements and levels and tell, in one transaction."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from services.inventory.ledger import repository, rules
from services.inventory.ledger.repository import Entry
from services.inventory.ledger.rules import COUNTERS, SYSTEM, By, Level, LevelKey, Movement
from shared.contracts import Event
from shared.contracts.inventory import ReservationEvent, StockChanged
from shared.db import Transaction
from shared.observability.context import current_cause
from shared.service import Kit


@dataclass(frozen=True, slots=True)
class News:
    """A message to be told, and the id of the request that caused it (by default the one being served)."""

    event: Event
    correlation: str | None = field(default_factory=lambda: current_cause.get().correlation_id)


class Posting:
    """Locked levels and the movements to be written. Moves change the levels in memory at once, so that the next decision
    of the same transaction sees them. ``filled_by``: who fills safety stocks, by default they fill themselves.
    """

    def __init__(self, levels: Sequence[Level], now: datetime) -> None:
        self.now = now
        self.levels: dict[LevelKey, Level] = {level.key: level for level in levels}
        self.by_sku: dict[str, list[Level]] = {}
        for level in levels:
            self.by_sku.setdefault(level.sku, []).append(level)
        self.entries: list[Entry] = []
        self.before: dict[LevelKey, dict[str, int]] = {}
        self.filled_by = SYSTEM

    def touch(self, level: Level) -> None:
        """The level will be written, also when none of its units move."""
        if level.key not in self.before:
            self.before[level.key] = counters(level)

    def move(self, movements: Iterable[Movement], by: By) -> None:
        """Apply the movements to their levels, in their order."""
        for movement in movements:
            level = self.levels[movement.sku, movement.location_id]
            self.touch(level)
            rules.move(level, movement)
            self.entries.append(Entry(movement, by, level.version + 1))


class Ledger:
    """Opens postings and writes them."""

    def __init__(self, kit: Kit) -> None:
        self._outbox = kit.outbox
        self._clock = kit.clock

    async def open(self, tx: Transaction, keys: Iterable[LevelKey] = (), skus: Iterable[str] = ()) -> Posting:
        """Lock the levels of ``keys`` and all levels of ``skus``. All of a transaction's levels are locked in one call."""
        levels = await repository.lock_levels(tx, sorted(set(keys)), sorted(set(skus)))
        return Posting(levels, self._clock.now())

    async def open_new(self, tx: Transaction, keys: Collection[LevelKey]) -> Posting:
        """As `open`, and a SKU that was never at its location has an empty level from now on."""
        await repository.insert_levels(tx, keys, self._clock.now())
        return await self.open(tx, keys)

    async def keep_settings(self, tx: Transaction, level: Level) -> None:
        """Write what is set at a locked level: safety stock, threshold, when it was counted. Its units stay as they are."""
        await repository.update_settings(tx, level)
        repository.insert_due(tx, {level.sku: False})

    async def place_changed(self, tx: Transaction, location_id: str, sells: bool) -> None:
        """A place begins or ceases to sell: the world may have to be told of what it has."""
        await repository.insert_due_of(tx, location_id, fell=not sells)

    async def write(self, tx: Transaction, posting: Posting, news: Sequence[News] = ()) -> None:
        """Fill safety stocks, write movements and levels, and tell: ``news``, and one message for each level that changed."""
        for key in list(posting.before):
            _fill_safety(posting, posting.levels[key])
        repository.insert_movements(tx, posting.entries, posting.now)
        changed = sorted(posting.before)
        if changed:
            deltas = [(posting.levels[key].id, _delta(posting, key)) for key in changed]
            repository.update_levels(tx, deltas, posting.now)
            repository.insert_due(tx, _due(posting))
        # By name, because messages of one name that stand together travel as one pack.
        told = sorted([*news, *_news(posting, changed)], key=lambda item: item.event.name)
        await self._outbox.publish(
            tx,
            [item.event for item in told],
            subject=lambda event: event.order_id if isinstance(event, ReservationEvent) else event.sku,
            correlations=[item.correlation for item in told],
        )


def _due(posting: Posting) -> dict[str, bool]:
    """The SKUs of which units for sale came or went, and whether they went anywhere. What unpaid orders hold is for sale."""
    due: dict[str, bool] = {}
    for key, before in posting.before.items():
        change = posting.levels[key].unsold - before["available"] - before["held"]
        if change:
            due[key[0]] = due.get(key[0], False) or change < 0
    return due


def _news(posting: Posting, changed: Sequence[LevelKey]) -> list[News]:
    """Levels have a new version from now on."""
    news: list[News] = []
    for key in changed:
        level = posting.levels[key]
        level.version += 1
        news.append(News(_changed(level)))
    return news


def _changed(level: Level) -> StockChanged:
    return StockChanged(
        sku=level.sku,
        location_id=level.location_id,
        available=level.available,
        on_hand=level.on_hand,
        reserved=level.held + level.committed,
        level_version=level.version,
    )


def counters(level: Level) -> dict[str, int]:
    """The units of a level by counter, ``on_hand`` included."""
    return {counter: getattr(level, counter) for counter in COUNTERS} | {"on_hand": level.on_hand}


def _delta(posting: Posting, key: LevelKey) -> Mapping[str, int]:
    before = posting.before[key]
    return {counter: units - before[counter] for counter, units in counters(posting.levels[key]).items()}


def _fill_safety(posting: Posting, level: Level) -> None:
    shift = rules.safety_shift(level)
    if shift:
        source, target, units = shift
        key = f"{level.id}:{level.version + 1}:safety"
        posting.move(
            [Movement(level.sku, level.location_id, source, target, units, "safety_stock", key)], posting.filled_by
        )
