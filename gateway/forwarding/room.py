"""The room of the parts behind the gateway."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from gateway.forwarding.capacity import Bounded, Capacity
from gateway.forwarding.port import Forwarder
from gateway.forwarding.upstreams import Upstreams
from shared.clock import Clock
from shared.readiness import Standing
from shared.room import Room


class ForwardingRoom(Room):
    """Offers `upstreams`, the way to each part by its name, and `readiness`: how each of them is."""

    def __init__(self, upstreams: Mapping[str, Forwarder], clock: Clock, seconds: float) -> None:
        """`seconds`: what a call may take on average when there is too much to do."""
        self._seconds = seconds
        self.upstreams = dict(upstreams)
        self._parts = Upstreams(self.upstreams, clock)
        self.resources = [self._open]

    def bounded(self, own: Mapping[str, Forwarder]) -> dict[str, Bounded]:
        """The ways to all parts and to these, with a limit for each service, and one for all that runs in this process."""
        here = Capacity("suite", self._seconds)
        return {
            name: Bounded(way, here if way.in_process else Capacity(name, self._seconds))
            for name, way in {**self.upstreams, **own}.items()
        }

    async def readiness(self) -> list[Standing]:
        """How the parts are, check by check."""
        return await self._parts.checks()

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[None]:
        try:
            yield
        finally:
            for forwarder in self.upstreams.values():
                await forwarder.aclose()
