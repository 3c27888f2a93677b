"""Load shedding 过载保护: how many requests may be with the parts at once, and who has to come again first.

A part that is asked for more than it can do makes everybody wait, until all give up and nobody was served. What is under way
takes (Little's law) as long as its number divided by the rate of answers: where that is longer than wanted, no more are let
in than are answered in that time. Each priority has its share of the limit, counted without what is less urgent: the lowest
is refused first, and no crowd of lists keeps a checkout out.
"""

import asyncio
from collections import deque
from collections.abc import Mapping

from starlette.types import Message, Receive, Send

from gateway.forwarding.bodies import begun_with, gathered
from gateway.forwarding.port import Forwarded, Forwarder
from gateway.metrics import CAPACITY, SHED
from gateway.priorities import Priority
from shared.web import Problem, Unavailable

LEAST, FIRST, MOST = 64.0, 512.0, 8192.0
_QUIET = LEAST / 2
"""With fewer under way there is nothing to be learnt of what the part can do: it does what it is asked."""
_TICK_SECONDS = 0.1
_TICKS, _FEWEST_TICKS = 5, 3
_GROW = 1.25
_REACHED = 0.8
SHARES: Mapping[Priority, float] = {
    Priority.MONEY: 1.0,
    Priority.SALE: 0.9,
    Priority.TRACKING: 0.75,
    Priority.LISTS: 0.6,
}
_AGAIN_SECONDS: Mapping[Priority, int] = {
    Priority.MONEY: 1,
    Priority.SALE: 2,
    Priority.TRACKING: 5,
    Priority.LISTS: 10,
}


class Capacity:
    """The limit of what stands behind it: one service, or all parts of this process."""

    def __init__(self, name: str, seconds: float) -> None:
        """`seconds`: what a call may take on average when there is too much to do."""
        self.limit = FIRST
        self._inside = [0] * len(Priority)
        self._seconds = seconds
        self._ended = self._most = 0
        self._looks: deque[tuple[float, int]] = deque(maxlen=_TICKS + 1)  # when, and how many had ended
        self._looking = False
        self._gauge = CAPACITY.labels(name)
        self._gauge.set(FIRST)
        self._shed = {priority: SHED.labels(name, priority.name.lower()) for priority in SHARES}

    def must_have_room(self, priority: Priority) -> None:
        """Raises Unavailable when a request of this priority has to come again."""
        if priority is Priority.ALWAYS or sum(self._inside[: priority + 1]) < self.limit * SHARES[priority]:
            return
        self._shed[priority].inc()
        raise _reduced(priority)

    @property
    def inside(self) -> int:
        """How many are under way."""
        return sum(self._inside)

    def enter(self, priority: Priority) -> None:
        """One more is under way; `leave` follows."""
        self._inside[priority] += 1
        self._most = max(self._most, self.inside)
        if not self._looking:
            self._looking = True
            asyncio.get_running_loop().call_later(_TICK_SECONDS, self._look)

    def leave(self, priority: Priority) -> None:
        """One less."""
        self._inside[priority] -= 1
        self._ended += 1

    def _look(self) -> None:
        """Ten times a second, as long as something is under way."""
        loop = asyncio.get_running_loop()
        now, most, self._most = loop.time(), self._most, self.inside
        if most < _QUIET:
            self._looks.clear()
            self.limit = max(self.limit, min(FIRST, self.limit * _GROW))
        self._looks.append((now, self._ended))
        if most >= _QUIET:
            self._judge(most)
        self._gauge.set(self.limit)
        self._looking = self.inside > 0
        if self._looking:
            loop.call_later(_TICK_SECONDS, self._look)

    def _judge(self, most: int) -> None:
        (began, before), (now, after) = self._looks[0], self._looks[-1]
        if len(self._looks) > _FEWEST_TICKS:
            within = (after - before) / (now - began) * self._seconds
            if self.inside > within:
                self.limit = max(LEAST, min(self.limit, within))
                return
        if most >= self.limit * _REACHED:
            self.limit = min(MOST, self.limit * _GROW)


class Bounded:
    """A forwarder that lets no more through than there is room for. Bodies are gathered first: no slow sender takes a place."""

    def __init__(self, forwarder: Forwarder, capacity: Capacity) -> None:
        self._forwarder = forwarder
        self._capacity = capacity
        self.in_process = forwarder.in_process

    def must_have_room(self, priority: Priority) -> None:
        """Raises Unavailable, before anything of the request was looked at."""
        self._capacity.must_have_room(priority)

    async def forward(self, request: Forwarded, receive: Receive, send: Send) -> None:
        """As the forwarder does. Raises Unavailable when there is no room."""
        if request.priority is Priority.ALWAYS:
            return await self._forwarder.forward(request, receive, send)
        if request.has_body:
            receive = begun_with(await gathered(receive), receive)
        self._capacity.must_have_room(request.priority)
        place = _Place(self._capacity, request.priority, send)
        try:
            await self._forwarder.forward(request, receive, place.send)
        finally:
            place.leave()

    async def aclose(self) -> None:
        """Close what is open to the part."""
        await self._forwarder.aclose()


class _Place:
    """Of one request, until the head of its answer: what is streamed afterwards is a matter of caller and part."""

    def __init__(self, capacity: Capacity, priority: Priority, send: Send) -> None:
        self._capacity: Capacity | None = capacity
        self._priority = priority
        self._send = send
        capacity.enter(priority)

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.leave()
        await self._send(message)

    def leave(self) -> None:
        capacity, self._capacity = self._capacity, None
        if capacity is not None:
            capacity.leave(self._priority)


def _reduced(priority: Priority) -> Problem:
    return Unavailable(
        "overloaded",
        "More is asked than can be done at the moment, and calls that matter more go first; nothing was changed. Try again "
        "after the time in Retry-After.",
        headers={"Retry-After": str(_AGAIN_SECONDS[priority])},
        type="https://iana.org/assignments/http-problem-types#temporary-reduced-capacity",
        title="Temporary Reduced Capacity",
    )
