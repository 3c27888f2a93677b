"""The room of the parts behind the gateway."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial

from gateway.forwarding.port import Forwarder
from gateway.forwarding.upstreams import troubles
from shared.remembered import Remembered
from shared.room import Room


class ForwardingRoom(Room):
    """Offers `upstreams`, the way to each part by its name, and `readiness`: what keeps them from serving."""

    def __init__(self, upstreams: Mapping[str, Forwarder]) -> None:
        self.upstreams = dict(upstreams)
        self._troubles = Remembered(partial(troubles, self.upstreams))
        self.resources = [self._open]

    async def readiness(self) -> list[str]:
        """What keeps the parts from serving, one sentence each."""
        return await self._troubles.read()

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[None]:
        try:
            yield
        finally:
            for forwarder in self.upstreams.values():
                await forwarder.aclose()
