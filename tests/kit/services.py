"""Runs one service as production does, on a test's own database and bus, and talks to it as the gateway would."""

import asyncio
from collections.abc import Generator, Sequence
from typing import Any

import httpx

from shared.clock import Clock
from shared.contracts import REGISTRY, Envelope
from shared.messaging import Failed, LocalBus, Pack
from shared.service import Service
from shared.web.identity import Caller, KeyKind, sign_headers

INTERNAL_SECRET = "a-secret-of-the-tests"


class SignedBy(httpx.Auth):
    """Adds the identity headers that a gateway would add."""

    def __init__(self, caller: Caller, clock: Clock) -> None:
        self._caller = caller
        self._clock = clock

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        path = request.url.raw_path.split(b"?")[0]
        for name, value in sign_headers(self._caller, INTERNAL_SECRET, self._clock.now(), request.method, path):
            request.headers[name.decode()] = value.decode()
        yield request


class Recorder:
    """Sees every message that the bus carries."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []

    async def attach(self, bus: LocalBus) -> None:
        await bus.subscribe("test.recorder", sorted(REGISTRY), self._deliver)

    def named(self, name: str) -> list[dict[str, Any]]:
        """Payloads of the messages of that name, in the order seen; each once, as an inbox would have it: two relays on one
        outbox may both send a pack.
        """
        once = {envelope.id: envelope.payload for envelope in self.envelopes if envelope.name == name}
        return list(once.values())

    async def _deliver(self, packs: Sequence[Pack]) -> list[Failed]:
        from pydantic import TypeAdapter

        for pack in packs:
            self.envelopes += TypeAdapter(list[Envelope]).validate_json(pack.body)
        return []


class RunningService:
    """A service inside its `running()` block."""

    def __init__(self, service: Service, bus: LocalBus, clock: Clock, recorder: Recorder) -> None:
        self.service = service
        self.bus = bus
        self.recorder = recorder
        self._clock = clock
        self._clients: list[httpx.AsyncClient] = []

    def client(
        self,
        scopes: Sequence[str] = ("*",),
        customer_id: str | None = None,
        owner_id: str = "own_test",
        kind: KeyKind = "secret",
        shop_id: str | None = None,
    ) -> httpx.AsyncClient:
        """An HTTP client whose requests carry a signed identity."""
        caller = Caller("key_test", owner_id, kind, tuple(scopes), customer_id, shop_id)
        client = self.stranger()
        client.auth = SignedBy(caller, self._clock)
        return client

    def stranger(self) -> httpx.AsyncClient:
        """A client without any identity."""
        transport = httpx.ASGITransport(self.service.app, raise_app_exceptions=False)
        client = httpx.AsyncClient(transport=transport, base_url="http://service", timeout=30)
        self._clients.append(client)
        return client

    async def tick(self) -> None:
        await self.service.tick()

    async def drain(self) -> None:
        """Until every message is sent and handled (those that wait for another try excepted)."""
        for _ in range(2000):
            while await self.service.relay.tick():
                pass
            # The outbox before the bus (a pack leaves it only once the bus has it), and again for what a handler added.
            for backlog in (self.service.relay.backlog, self.bus.backlog, self.service.relay.backlog, self.bus.backlog):
                if await backlog():
                    break
            else:
                return
            await asyncio.sleep(0.005)
        raise AssertionError("messages keep coming: the service never comes to rest")

    async def close(self) -> None:
        for client in self._clients:
            await client.aclose()
