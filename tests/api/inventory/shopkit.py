"""A merchant's hands on the inventory service, for tests."""

from typing import Any

import httpx
from kit.services import RunningService

from shared.clock import ManualClock

Json = dict[str, Any]


class Shop:
    """One running inventory service and its clock. Methods answer responses, or the figures asked for."""

    def __init__(self, running: RunningService, clock: ManualClock) -> None:
        self.running = running
        self.clock = clock
        self.client = running.client()

    async def place(self, location_id: str, kind: str = "warehouse", **fields: Any) -> Json:
        body = {"id": location_id, "name": location_id, "kind": kind, **fields}
        return _good(await self.client.post("/v1/locations", json=body))

    async def receive(self, sku: str, units: int, location_id: str = "w1", **line: Any) -> Json:
        lines = [{"sku": sku, "location_id": location_id, "change": units, **line}]
        return _good(await self.adjust(lines))

    async def adjust(self, lines: list[Json], reason: str = "received", **fields: Any) -> httpx.Response:
        body = {"lines": lines, "reason": reason, **fields}
        return await self.client.post("/v1/stock/adjustments", json=body)

    async def reserve(self, order_id: str, *lines: tuple[Any, ...], **fields: Any) -> httpx.Response:
        """Lines are (sku, quantity) or (sku, quantity, location_id)."""
        asked = [dict(zip(("sku", "quantity", "location_id"), line, strict=False)) for line in lines]
        body = {"order_id": order_id, "channel": "app", "lines": asked, **fields}
        return await self.client.post("/v1/reservations", json=body)

    async def held(self, order_id: str, *lines: tuple[Any, ...], **fields: Any) -> Json:
        return _good(await self.reserve(order_id, *lines, **fields))

    async def step(self, reservation: Json, verb: str, body: Json | None = None) -> httpx.Response:
        return await self.client.post(f"/v1/reservations/{reservation['id']}/{verb}", json=body)

    async def done(self, reservation: Json, verb: str, body: Json | None = None) -> Json:
        return _good(await self.step(reservation, verb, body))

    async def read(self, reservation: Json) -> Json:
        return _good(await self.client.get(f"/v1/reservations/{reservation['id']}"))

    async def level(self, sku: str, location_id: str = "w1") -> Json:
        page = await self.client.get("/v1/stock", params={"sku": sku, "location_id": location_id})
        rows: list[Json] = _good(page)["data"]
        return rows[0]

    async def movements(self, **filters: Any) -> list[Json]:
        rows: list[Json] = _good(await self.client.get("/v1/stock/movements", params={"limit": 100, **filters}))["data"]
        return rows

    async def prove(self) -> None:
        """The audit must be clean."""
        audit = _good(await self.client.get("/v1/audit/stock"))
        assert audit["ok"], [check for check in audit["checks"] if not check["ok"]]

    async def signals(self) -> list[tuple[str, Json]]:
        """Names and payloads of the signals so far, in the order told; what is due is looked at first."""
        await self.running.tick()
        await self.running.drain()
        envelopes = {envelope.id: envelope for envelope in self.running.recorder.envelopes}
        words = ("stock.low", "stock.sold_out", "stock.back_in_stock")
        return [(one.name, one.payload) for one in envelopes.values() if one.name in words]

    async def told(self, name: str) -> list[Json]:
        """Payloads of the messages of that name so far; one delivered twice (the bus promises at least once) counts once."""
        await self.running.drain()
        envelopes = {envelope.id: envelope for envelope in self.running.recorder.envelopes}
        return [envelope.payload for envelope in envelopes.values() if envelope.name == name]


def figures(level: Json) -> tuple[int, int, int, int]:
    """(on_hand, available, held, committed)."""
    return (level["on_hand"], level["available"], level["held"], level["committed"])


def _good(response: httpx.Response) -> Json:
    assert response.is_success, f"{response.status_code} {response.text}"
    body: Json = response.json()
    return body
