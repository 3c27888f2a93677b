"""Circuit breaker 熔断器 of one instance: who fails again and again is left alone, and asked carefully whether it is well again.

    closed ──failures──> open ──it answers a probe──> half-open ──one call succeeds──> closed
                          ^                               │
                          └────────the call fails─────────┘

Pure: times are seconds of one clock, given by whoever asks.
"""

from enum import IntEnum
from math import inf

WINDOW_SECONDS = 10.0
LEAST_FAILURES = 5
FAILED_SHARE = 0.5
FIRST_REST_SECONDS = 1.0
LONGEST_REST_SECONDS = 30.0


class Circuit(IntEnum):
    """What may pass."""

    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


class Breaker:
    """Opens when LEAST_FAILURES calls in a window failed, and FAILED_SHARE of all. After each vain trial it rests longer."""

    def __init__(self) -> None:
        self.circuit = Circuit.CLOSED
        self._window = -inf
        self._counts = [0, 0, 0, 0]  # calls and failures of this half of the window, and of the one before
        self._trial = False
        self._rest = FIRST_REST_SECONDS
        self._again_at = 0.0

    def admits(self) -> bool:
        """True when a call may go now: any while closed, a single one while half-open."""
        return self.circuit is Circuit.CLOSED or (self.circuit is Circuit.HALF_OPEN and not self._trial)

    def enter(self) -> bool:
        """A call that was admitted goes. True when it is the trial, whose end decides; `leave` must follow."""
        if self.circuit is Circuit.HALF_OPEN:
            self._trial = True
            return True
        return False

    def leave(self) -> None:
        """The trial is over, whatever became of it. Undecided (its caller went away), the next call is one."""
        self._trial = False

    def wants_probe(self, now: float) -> bool:
        """True when it has rested, and may be asked whether it answers."""
        return self.circuit is Circuit.OPEN and now >= self._again_at

    def probed(self, now: float, *, answers: bool) -> None:
        """What a probe found."""
        if self.circuit is not Circuit.OPEN:
            return
        if answers:
            self.circuit = Circuit.HALF_OPEN
            self._trial = False
        else:
            self._again_at = now + self._rest

    def seconds_left(self, now: float) -> float:
        """When it is worth coming again, at the earliest."""
        return max(self._again_at - now, FIRST_REST_SECONDS) if self.circuit is Circuit.OPEN else FIRST_REST_SECONDS

    def succeeded(self, now: float) -> None:
        """A call was answered."""
        if self.circuit is Circuit.CLOSED:
            self._count(now, failed=False)
        elif self.circuit is Circuit.HALF_OPEN:
            self.circuit = Circuit.CLOSED
            self._rest = FIRST_REST_SECONDS
            self._counts = [0, 0, 0, 0]

    def failed(self, now: float) -> None:
        """A call got no answer. Calls that were under way when it opened change nothing any more."""
        if self.circuit is Circuit.HALF_OPEN:
            self._rest = min(self._rest * 2, LONGEST_REST_SECONDS)
            self._open(now)
        elif self.circuit is Circuit.CLOSED:
            self._count(now, failed=True)
            calls, failures = self._counts[0] + self._counts[2], self._counts[1] + self._counts[3]
            if failures >= LEAST_FAILURES and failures >= FAILED_SHARE * calls:
                self._open(now)

    def _open(self, now: float) -> None:
        self.circuit = Circuit.OPEN
        self._again_at = now + self._rest

    def _count(self, now: float, *, failed: bool) -> None:
        passed = now - self._window
        if passed >= WINDOW_SECONDS / 2:
            self._counts = [0, 0, *(self._counts[:2] if passed < WINDOW_SECONDS else (0, 0))]
            self._window = now
        self._counts[0] += 1
        self._counts[1] += failed
