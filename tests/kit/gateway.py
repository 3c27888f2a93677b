"""A running gateway in front of fake parts, as tests hold it."""

from dataclasses import dataclass, field
from typing import Any

import httpx
from kit.services import RunningService
from kit.upstream import FakePart

from gateway.app import Gateway
from gateway.keys.management import new_key

ADMIN_KEY = new_key("secret")


@dataclass
class Suite:
    """The running gateway, its fake parts, and clients of its public door."""

    running: RunningService
    parts: dict[str, FakePart]
    clients: list[httpx.AsyncClient] = field(default_factory=list)

    @property
    def gateway(self) -> Gateway:
        assert isinstance(self.running.service, Gateway)
        return self.running.service

    def client(self, key: str | None = ADMIN_KEY, address: str = "198.51.100.7") -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.gateway.app, raise_app_exceptions=False, client=(address, 40000))
        headers = {"authorization": f"Bearer {key}"} if key else {}
        client = httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=headers, timeout=30)
        self.clients.append(client)
        return client

    async def key(self, **wanted: Any) -> str:
        """A new key, made by the administrator."""
        made = await self.client().post("/v1/keys", json={"name": "test", **wanted})
        assert made.status_code == 201, made.text
        key: str = made.json()["key"]
        return key
