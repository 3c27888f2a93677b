"""The bus: one port, two adapters (LocalBus in the embedded arrangement, RabbitMQ in production).

What every adapter promises, held by one conformance suite (`tests/messaging`):
at-least-once delivery to each queue bound to the name; a pack that fails is tried again after growing waits and parked
after the last, where an operator can list, replay or drop it; no order; `publish` returns when the packs are durable;
a consumer that is slow, or whose database is away, holds back nobody but itself, and only a bounded part of its queue is
in memory.
"""

from collections.abc import Awaitable, Callable, Collection, Sequence, Set
from dataclasses import dataclass, field
from typing import Any, Protocol

from shared.contracts import Envelope, Event
from shared.db import Transaction, is_outage

BLOCKED = "RabbitMQ is short of memory or disk and takes no messages"
"""What `health` says while an alarm of the broker lasts."""


class BusUnavailable(Exception):
    """The broker can't take or hand over messages at present. Nothing is lost; try again later."""


def is_told(error: BaseException) -> bool:
    """True for what the bus, or the database of whoever handles messages, tells of itself."""
    return isinstance(error, BusUnavailable) or is_outage(error)


@dataclass(frozen=True, slots=True)
class Pack:
    """What travels: a JSON array of envelopes, all of one event name. `id` is the first envelope's id."""

    id: str
    name: str
    body: bytes
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Failed:
    """The part of a pack that a consumer could not handle, and why."""

    pack: Pack
    error: str


@dataclass(frozen=True, slots=True)
class Parked:
    """A pack that failed for good, waiting for an operator. `id` names it within its queue."""

    id: str
    queue: str
    name: str
    attempts: int
    error: str
    body: bytes


MOST_COUNTED = 10_000
"""Where counting costs a look at each, no more are counted."""


@dataclass(frozen=True, slots=True)
class Depth:
    """How many packs of a consumer's queue wait to be handed over, and how many are parked."""

    queue: str
    waiting: int
    parked: int


Deliver = Callable[[Sequence[Pack]], Awaitable[list[Failed]]]
"""Handles packs and answers what failed. Raising means that nothing was decided: deliver again later, count no attempt."""

Handler = Callable[[Transaction, Any, Envelope], Awaitable[None]]
Heard = Callable[[Transaction, Set[str]], Awaitable[Set[str]]]
Wanted = Callable[[Transaction, Sequence[Envelope]], Awaitable[Sequence[Envelope]]]


@dataclass(frozen=True, slots=True)
class Subscription:
    """One consumer's interest. `consumer` names the queue (`journey.events`) and the inbox entries.

    `handler(tx, event, envelope)` runs inside the transaction that also records the message as handled. Where most messages
    don't concern the consumer, the others need neither handler nor record: `heard` picks the event names that somebody
    listens to at present, packs of others are not even read; `wanted` picks among the messages themselves.
    """

    consumer: str
    events: Sequence[type[Event]]
    handler: Handler
    wanted: Wanted | None = None
    heard: Heard | None = None
    names: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(event.name for event in self.events))


class Bus(Protocol):
    """See the module's docstring for the guarantees."""

    async def start(self) -> None:
        """Connect, and make what the bus itself needs."""

    async def stop(self) -> None:
        """Hand over nothing more, wait for the handlers at work, close."""

    async def declare(self, queue: str, names: Sequence[str]) -> None:
        """Make the queue and its bindings, so that packs published from now on are kept for it."""

    async def subscribe(self, queue: str, names: Sequence[str], deliver: Deliver) -> None:
        """Declare the queue and begin to hand its packs to `deliver`, several at once when several wait."""

    async def unsubscribe(self, queue: str) -> None:
        """Stop handing over; returns when no delivery of this queue is at work. The queue stays."""

    async def publish(self, packs: Sequence[Pack]) -> None:
        """Returns when all packs are durable in every queue bound to their names. Raises BusUnavailable."""

    def health(self) -> list[str]:
        """What is wrong at present, one sentence each; empty when all is well."""

    async def depths(self, queues: Sequence[str] | None = None) -> list[Depth]:
        """How full these queues are, or all that this bus knows. Raises BusUnavailable."""

    async def parked(self, queue: str | None = None, limit: int = 100) -> list[Parked]:
        """The oldest parked packs, of one queue or of all that this bus knows."""

    async def replay(self, queue: str, ids: Collection[str] | None = None) -> int:
        """Put parked packs (all of the queue without `ids`) back into it, their attempts forgotten. Answers how many."""

    async def drop(self, queue: str, ids: Collection[str] | None = None) -> int:
        """Delete parked packs (all of the queue without `ids`) for good. Answers how many."""
