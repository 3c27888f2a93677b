"""What a message is: an event (the fact, as a frozen model) inside an envelope (who, when, why).

Changes to an event are additive; a breaking one is a new event beside the old. Readers ignore fields they don't know.
"""

from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from shared.external_ids import LONGEST, sound
from shared.times import IncomingTime

Instant = IncomingTime
TheirId = Annotated[str, Field(min_length=1, max_length=LONGEST), AfterValidator(sound)]
"""An id that another system chose: the order system's, for one."""


class Event(BaseModel):
    """Base of every event. Subclasses are registered by `@contract`."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)
    name: ClassVar[str]
    version: ClassVar[int]
    public: ClassVar[bool]
    owner: ClassVar[str]


class OwnedEvent(Event):
    """What happened to an owner's object. `owner_id` is whose it is; None: the merchant's, as in messages of old."""

    owner_id: str | None = Field(None, max_length=40)


class Envelope(BaseModel):
    """The outside of a message, as it travels, written by the outbox alone.

    `id` is the event id that a webhook receiver sees as `webhook-id`.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")
    id: str
    name: str
    version: int
    occurred_at: Instant
    subject: str | None = None
    correlation_id: str | None = None
    causation_id: str | None = None
    traceparent: str | None = None
    payload: dict[str, Any]


E = TypeVar("E", bound=type[Event])
REGISTRY: dict[str, type[Event]] = {}


def contract(name: str, *, owner: str, version: int = 1, public: bool = False) -> Any:
    """Register an event under its name. `public` events are webhook types; the others stay inside the suite."""

    def register(event: E) -> E:
        if name in REGISTRY:
            raise ValueError(f"two contracts are named {name}")
        event.name, event.owner, event.version, event.public = name, owner, version, public
        REGISTRY[name] = event
        return event

    return register


def public_names() -> list[str]:
    """Names of all events that leave the suite, sorted."""
    return sorted(name for name, event in REGISTRY.items() if event.public)
