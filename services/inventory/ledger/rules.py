"""The arithmetic of the stock ledger: pure, no clock, no database.

A *level* is what one location holds of one SKU, split over states; a *movement* takes units from one state to another. Every
change is a movement, so the sum of the movements is the level, and ``on_hand`` is the sum of the states that are physically
there. All quantities are whole units.

| state | 中文 | on hand? |
|---|---|---|
| available | 可用 | yes: free to promise |
| held | 预占 | yes: reserved by an order that is not paid yet |
| committed | 已确认 | yes: reserved by a paid order |
| safety | 安全库存 | yes: kept back on purpose |
| quality_control | 质检 | yes: not sellable yet |
| damaged | 次品 | yes: not sellable |
| incoming | 在途 | no: on its way |
| outside | – | no: the world (suppliers, customers); has no counter |
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from shared.web import MERCHANT

LevelKey = tuple[str, str]
"""(sku, location_id): also the one global order in which levels are locked."""

Counter = Literal["available", "held", "committed", "safety", "quality_control", "damaged", "incoming"]
State = Literal["available", "held", "committed", "safety", "quality_control", "damaged", "incoming", "outside"]

COUNTERS: Final[tuple[Counter, ...]] = (
    "available",
    "held",
    "committed",
    "safety",
    "quality_control",
    "damaged",
    "incoming",
)
ON_HAND: Final[tuple[Counter, ...]] = COUNTERS[:-1]
STATES: Final[tuple[State, ...]] = (*COUNTERS, "outside")

MAX_QUANTITY: Final = 1_000_000_000
"""The largest quantity of one line: far above any real order, far below what 64 bits hold."""
MAX_LEVEL: Final = 1_000_000_000_000
"""The largest value of one counter, so that no sum can leave 64 bits."""


class BelowZero(Exception):
    """A movement would take more units out of a state than it holds. Use cases check first; this is the second lock."""


@dataclass(slots=True)
class Level:
    """One row of stock: the units of one SKU at one location by state, with its settings and version."""

    id: str
    sku: str
    location_id: str
    available: int = 0
    held: int = 0
    committed: int = 0
    safety: int = 0
    quality_control: int = 0
    damaged: int = 0
    incoming: int = 0
    safety_target: int = 0
    low_threshold: int | None = None
    counted_version: int = 0
    version: int = 0
    active: bool = True
    can_ship: bool = True

    @property
    def key(self) -> LevelKey:
        """Its place in the one order in which levels are locked."""
        return (self.sku, self.location_id)

    @property
    def on_hand(self) -> int:
        """Units that are physically there."""
        return self.available + self.held + self.committed + self.safety + self.quality_control + self.damaged

    @property
    def free(self) -> int:
        """Units that nobody has been promised: a physical loss may take the safety stock too."""
        return self.available + self.safety

    @property
    def unsold(self) -> int:
        """Units that no paid order has: of these the world is told when they get few. Unpaid orders come and go."""
        return self.available + self.held

    @property
    def sellable(self) -> int:
        """Units that a reservation which names this location may take."""
        return self.available if self.active else 0

    @property
    def shared(self) -> int:
        """Units that a reservation which names no location may take."""
        return self.available if self.active and self.can_ship else 0


class Movement(NamedTuple):
    """``quantity`` units of one SKU at one location go from one state to another. ``key`` is unique for ever, ``owner_id`` is
    whose reservation or document moves them.
    """

    sku: str
    location_id: str
    from_state: State
    to_state: State
    quantity: int
    reason: str
    key: str
    reservation_id: str | None = None
    reference: str | None = None
    owner_id: str = MERCHANT


COUNT_KEY: Final = "count:"
"""With this the key of a movement begins that a count brought about."""


class By(NamedTuple):
    """Who moves units, for the ledger, and what they remarked 备注."""

    actor: str
    remark: str | None = None


SYSTEM: Final = By("system")
"""What happens by itself: time that runs out, safety stock that is filled."""


def move(level: Level, movement: Movement) -> None:
    """Apply a movement to its level."""
    source, target, quantity = movement.from_state, movement.to_state, movement.quantity
    if quantity <= 0 or source == target:
        raise ValueError(f"not a movement: {quantity} from {source} to {target}")
    if source != "outside":
        left = getattr(level, source) - quantity
        if left < 0:
            raise BelowZero(f"{level.sku} at {level.location_id}: {source} would be {left}")
        setattr(level, source, left)
    if target != "outside":
        setattr(level, target, getattr(level, target) + quantity)


def withdrawal(level: Level, quantity: int) -> list[tuple[Counter, int]]:
    """Where a physical loss of free units is taken from: what is available first, then the safety stock."""
    if quantity > level.free:
        raise BelowZero(f"{level.sku} at {level.location_id}: {quantity} of {level.free} free units")
    from_available = min(quantity, level.available)
    parts: list[tuple[Counter, int]] = [("available", from_available), ("safety", quantity - from_available)]
    return [(state, units) for state, units in parts if units]


def safety_shift(level: Level) -> tuple[State, State, int] | None:
    """The movement that brings the safety stock to its target, as (from, to, units); None when it is there.

    Safety is filled before anything becomes available, and never from units that are promised: with a target of 10 and
    6 free units, 6 are kept back and the next 4 that become free follow.
    """
    wanted = min(level.safety_target, level.free)
    if wanted > level.safety:
        return ("available", "safety", wanted - level.safety)
    if wanted < level.safety:
        return ("safety", "available", level.safety - wanted)
    return None


def replay(movements: Iterable[Movement]) -> dict[LevelKey, Level]:
    """The levels that a history of movements gives, from nothing."""
    levels: dict[LevelKey, Level] = {}
    for movement in movements:
        key = (movement.sku, movement.location_id)
        level = levels.setdefault(key, Level(id="", sku=key[0], location_id=key[1]))
        move(level, movement)
    return levels
