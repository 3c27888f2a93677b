"""The room of the parts behind the gateway."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from gateway.forwarding.port import Forwarder
from gateway.forwarding.upstreams import Upstreams
from shared.clock import Clock
from shared.readiness import Standing
from shared.room import Room


class ForwardingRoom(Room):
    """Offers `upstreams`, the way to each part by its name, and `readiness`: how each of them is."""

    def __init__(self, upstreams: Mapping[str, Forwarder], clock: Clock) -> None:
        self.upstreams = dict(upstreams)
        self._parts = Upstreams(self.upstreams, clock)
        self.resources = [self._open]

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
