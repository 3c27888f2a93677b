"""The main story of stock: a location, goods received, an order reserved, paid, shipped or cancelled, and the proof."""

from conftest import RunService

from services.inventory.app import create_service
from services.inventory.settings import InventorySettings


async def test_stock_is_received_reserved_confirmed_shipped_and_proven(run_service: RunService) -> None:
    inventory = await run_service(create_service, InventorySettings)
    client = inventory.client()
    place = {"id": "sh", "name": "上海仓", "kind": "warehouse", "geo": {"lat": 31.2, "lon": 121.5}}
    assert (await client.post("/v1/locations", json=place)).status_code == 201

    lines = [{"sku": "s1", "location_id": "sh", "change": 10}]
    adjusted = await client.post(
        "/v1/stock/adjustments", json={"lines": lines, "reason": "received", "reference": "r1"}
    )
    assert adjusted.status_code == 201, adjusted.text

    order = {"order_id": "o1", "channel": "app", "lines": [{"sku": "s1", "quantity": 3}]}
    held = await client.post("/v1/reservations", json=order)
    assert held.status_code == 201, held.text
    assert held.json()["lines"] == [{"sku": "s1", "quantity": 3, "location_id": "sh", "shipped": 0, "released": 0}]

    confirmed = await client.post(f"/v1/reservations/{held.json()['id']}/confirm")
    assert confirmed.status_code == 200, confirmed.text
    assert confirmed.json()["status"] == "confirmed"

    other = await client.post("/v1/reservations", json=order | {"order_id": "o2"})
    released = await client.post(f"/v1/reservations/{other.json()['id']}/release")
    assert released.json()["status"] == "released"

    shipped = await client.post(f"/v1/reservations/{held.json()['id']}/ship")
    assert shipped.status_code == 200, shipped.text

    (level,) = (await client.get("/v1/stock", params={"sku": "s1"})).json()["data"]
    assert (level["on_hand"], level["available"], level["reserved"]) == (7, 7, 0)
    audit = (await client.get("/v1/audit/stock")).json()
    assert audit["ok"], audit

    await inventory.drain()
    assert [message["order_id"] for message in inventory.recorder.named("reservation.confirmed")] == ["o1"]
