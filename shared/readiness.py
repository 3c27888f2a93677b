"""What a process says of itself: whether it can do its own work, and what is worse than it should be.

`down` and required means that this process can't do its own work: load balancers turn away from it. Everything else that is
not well is told, in the body and in the metrics, and turns nobody away: if each process called itself unready because
a server that all of them share is away, there would be none left to answer.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from structlog.typing import FilteringBoundLogger

from shared.clock import Clock
from shared.observability.metrics import CHECK_STATE


class State(StrEnum):
    """How something is, the best first."""

    OK = "ok"
    DEGRADED = "degraded"
    DOWN = "down"


_WORSE = list(State)


class Finding(NamedTuple):
    """What a look found. `detail` is a sentence that goes on from the name of what was looked at; no addresses, no secrets."""

    check: str
    state: State
    detail: str
    required: bool = False
    """True where this process can't do its own work without it."""


Look = Callable[[], Awaitable[Finding]]


@dataclass(frozen=True, slots=True)
class Standing:
    """A finding of one part, and since when it is in that state (UTC; no earlier than the first look)."""

    part: str
    check: str
    state: State
    since: datetime
    detail: str
    required: bool = False

    @property
    def prevents(self) -> bool:
        """True when the process can't do its own work."""
        return self.required and self.state is State.DOWN

    @property
    def sentence(self) -> str:
        """Who, and what is with it."""
        return f"{self.part}: {self.detail}"


class Journal:
    """Since when each check of one part is in its state; a change is logged, and counted at `/metrics`."""

    def __init__(self, part: str, clock: Clock, log: FilteringBoundLogger) -> None:
        self._part = part
        self._clock = clock
        self._log = log
        self._known: dict[str, tuple[State, datetime]] = {}

    def note(self, findings: Iterable[Finding]) -> list[Standing]:
        """Take up what was found now."""
        return [self._note(found) for found in findings]

    def _note(self, found: Finding) -> Standing:
        state, since = self._known.get(found.check, (None, self._clock.now()))
        if state is not found.state:
            since = self._clock.now()
            self._known[found.check] = found.state, since
            CHECK_STATE.labels(self._part, found.check).set(_WORSE.index(found.state))
            if state is not None or found.state is not State.OK:
                level = self._log.info if found.state is State.OK else self._log.warning
                level("readiness changed", check=found.check, state=found.state.value, detail=found.detail)
        return Standing(self._part, found.check, found.state, since, found.detail, found.required)


def troubles(checks: Sequence[Standing]) -> list[str]:
    """A sentence for each check that is not well."""
    return [check.sentence for check in checks if check.state is not State.OK]


def is_ready(checks: Sequence[Standing]) -> bool:
    """True when the process can do its own work."""
    return not any(check.prevents for check in checks)


def members(checks: Sequence[Standing]) -> dict[str, Any]:
    """What the body of `/readyz` tells, ready or not."""
    parts = [
        {
            "part": check.part,
            "check": check.check,
            "state": check.state.value,
            "since": check.since,
            "detail": check.detail,
            "required": check.required,
        }
        for check in checks
    ]
    return {"checks": troubles(checks), "parts": parts}
