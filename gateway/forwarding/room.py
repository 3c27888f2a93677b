"""The room of the parts behind the gateway."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from gateway.forwarding.port import Forwarder
from gateway.forwarding.upstreams import troubles
from shared.room import Room


class ForwardingRoom(Room):
    """Offers `upstreams`, the way to each part by its name, and `readiness`: what keeps them from serving."""

    def __init__(self, upstreams: Mapping[str, Forwarder]) -> None:
        self.upstreams = dict(upstreams)
        self.resources = [self._open]

    async def readiness(self) -> list[str]:
        """What keeps the parts from serving, one sentence each."""
        return await troubles(self.upstreams)

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[None]:
        try:
            yield
        finally:
            for forwarder in self.upstreams.values():
                await forwarder.aclose()
