"""Attack 12 on the inventory service: reservations, movements and documents of another partner are not there."""

import pytest
from attacks.partners import Json, Partners, cases_of
from conftest import RunService

from services.inventory.app import create_service
from services.inventory.settings import InventorySettings

PATHS = ("/v1/reservations", "/v1/stock")
BODIES = {"POST /v1/reservations/{reservation_id}/extend": {"ttl_seconds": 60}}


@pytest.fixture
async def partners(run_service: RunService) -> Partners:
    found = Partners(await run_service(create_service, InventorySettings))
    await found.make("/v1/locations", {"id": "w1", "name": "仓", "kind": "warehouse"}, by=found.merchant)
    await found.make("/v1/stock/adjustments", adjustment(100), by=found.merchant)
    return found


def adjustment(change: int, reference: str | None = None) -> Json:
    line = {"sku": "s1", "location_id": "w1", "state": "available", "change": change}
    return {"reason": "received", "lines": [line], **({"reference": reference} if reference else {})}


def order(order_id: str = "o1", quantity: int = 1) -> Json:
    return {"order_id": order_id, "channel": "app", "lines": [{"sku": "s1", "quantity": quantity}]}


async def test_attack_12_every_operation_on_another_partners_reservation_answers_like_a_random_id(
    partners: Partners,
) -> None:
    held = await partners.make("/v1/reservations", order())
    await partners.make("/v1/stock/adjustments", adjustment(5, "po-1"))
    ids = {"reservation_id": held["id"]}
    await partners.refuses_like_nothing(cases_of(PATHS, ids, BODIES, {}))
    queries: dict[str, list[Json]] = {
        "GET /v1/reservations": [{}, {"order_id": "o1"}, {"status": "held"}, {"sku": "s1"}, {"channel": "app"}],
        "GET /v1/stock/movements": [{}, {"sku": "s1"}, {"reservation_id": held["id"]}],
    }
    await partners.lists_tell_nothing(PATHS, queries)
    assert (await partners.merchant.get("/v1/reservations")).json()["data"][0]["id"] == held["id"]


async def test_attack_12_the_same_order_and_document_of_two_partners_are_apart(partners: Partners) -> None:
    mine, theirs, again = [
        await partners.make("/v1/reservations", order(), by=by) for by in (partners.a, partners.b, partners.a)
    ]
    assert mine["id"] == again["id"] != theirs["id"]
    other = await partners.b.post("/v1/reservations", json=order(quantity=2))
    assert (other.status_code, other.json()["reservation_id"]) == (409, theirs["id"])
    documents = [
        await partners.make("/v1/stock/adjustments", adjustment(change, "po-1"), by=by)
        for change, by in ((5, partners.a), (7, partners.b), (5, partners.a))
    ]
    assert documents[0]["id"] == documents[2]["id"] != documents[1]["id"]


async def test_attack_12_a_count_names_no_reservation_of_another_partner(partners: Partners) -> None:
    held = await partners.make("/v1/reservations", order(quantity=90))
    level = (await partners.b.get("/v1/stock")).json()["data"][0]
    count = {"sku": "s1", "location_id": "w1", "counted": 3, "expected_version": level["version"]}
    theirs, merchants = [await one.post("/v1/stock/counts", json=count) for one in (partners.b, partners.merchant)]
    assert theirs.json()["code"] == merchants.json()["code"] == "count_below_reserved"
    assert (theirs.json()["reservations"], merchants.json()["reservations"]) == ([], [held["id"]])
    assert (await partners.b.get("/v1/audit/stock")).json()["code"] == "operators_only"
