"""Counts 盘点: what was counted is compared with the books as of the count, whatever has moved since."""

import random
from datetime import timedelta
from typing import Any

import httpx
import pytest
from api.inventory.shopkit import Shop, figures


def line(sku: str, change: int, location_id: str = "w1", **fields: Any) -> dict[str, Any]:
    return {"sku": sku, "location_id": location_id, "change": change, **fields}


async def counted(shop: Shop, units: int, **when: Any) -> httpx.Response:
    body = {"sku": "a", "location_id": "w1", "counted": units, **when}
    return await shop.client.post("/v1/stock/counts", json=body)


async def test_count_sets_on_hand_when_nothing_moved_since(shop: Shop) -> None:
    await shop.receive("a", 10)
    await shop.held("o1", ("a", 4))
    level = await shop.level("a")
    count = {"sku": "a", "location_id": "w1", "counted": 8, "expected_version": level["version"]}
    counted = await shop.client.post("/v1/stock/counts", json=count)
    assert counted.status_code == 201, counted.text
    assert (counted.json()["difference"], figures(counted.json())) == (-2, (8, 4, 4, 0))
    again = await shop.client.post("/v1/stock/counts", json=count)
    assert (again.status_code, again.json()["difference"], figures(again.json())) == (201, 0, (8, 4, 4, 0))
    for never in (0, level["version"] + 2):
        refused = await shop.client.post("/v1/stock/counts", json=count | {"expected_version": never})
        assert (refused.status_code, refused.json()["code"]) == (409, "version_mismatch")
    assert refused.json()["level"]["version"] == counted.json()["version"]
    await shop.prove()


async def test_a_sku_that_sells_and_arrives_meanwhile_can_be_counted(shop: Shop) -> None:
    """20 in the books, 18 on the shelf; while the person counts 5 are sold and shipped, 3 held and 10 received."""
    await shop.receive("a", 20)
    version, began = (await shop.level("a"))["version"], shop.clock.now()
    shop.clock.advance(seconds=60)
    order = await shop.held("o1", ("a", 5))
    await shop.done(order, "confirm")
    await shop.done(order, "ship")
    await shop.held("o2", ("a", 3))
    await shop.receive("a", 10)
    first = await counted(shop, 18, as_of=began.isoformat(), remark="少两件")
    assert (first.status_code, first.json()["difference"], figures(first.json())) == (201, -2, (23, 20, 3, 0))
    again = await counted(shop, 18, expected_version=version)
    assert (again.json()["difference"], again.json()["on_hand"]) == (0, 23)
    better = await counted(shop, 19, expected_version=version)
    assert (better.json()["difference"], better.json()["on_hand"]) == (1, 24)
    newest = (await shop.movements(sku="a"))[:2]
    assert [(one["reason"], one["remark"], one["actor"]) for one in newest] == [
        ("count", None, "key:key_test"),
        ("count", "少两件", "key:key_test"),
    ]
    await shop.prove()


async def test_a_count_that_comes_after_a_newer_one_corrects_nothing(shop: Shop) -> None:
    await shop.receive("a", 10)
    old = (await shop.level("a"))["version"]
    await shop.adjust([line("a", -1)], "sold")
    newer = await counted(shop, 8, as_of=shop.clock.now().isoformat())
    assert (newer.json()["difference"], newer.json()["on_hand"]) == (-1, 8)
    late = await counted(shop, 9, expected_version=old)
    assert (late.status_code, late.json()["code"]) == (409, "count_superseded")
    assert (await shop.level("a"))["on_hand"] == 8


@pytest.mark.parametrize("name", ["version", "expected_version"])
async def test_the_version_that_was_read_may_be_called_as_it_was_read(shop: Shop, name: str) -> None:
    await shop.receive("a", 10)
    read = (await shop.level("a"))["version"]
    await shop.adjust([line("a", -4)], "sold")
    answer = (await counted(shop, 9, **{name: read})).json()
    assert (answer["difference"], answer["on_hand"]) == (-1, 5)
    never = await counted(shop, 9, **{name: 0})
    assert (never.status_code, never.json()["code"]) == (409, "version_mismatch")


async def test_when_a_count_was_taken_is_said_once_and_is_possible(shop: Shop) -> None:
    await shop.receive("a", 1)
    now = shop.clock.now()
    wrong: list[Any] = [{}, {"as_of": now.isoformat(), "expected_version": 1}, {"as_of": now.isoformat(), "version": 1}]
    wrong += [{"version": 1, "expected_version": 1}, {"version": None}, {"version": "1"}]
    wrong += [{"as_of": (now + timedelta(seconds=by)).isoformat()} for by in (61, -32 * 86_400)]
    for when in wrong:
        assert (await counted(shop, 1, **when)).status_code == 422, when
    fast = (now + timedelta(seconds=59)).isoformat()
    assert (await counted(shop, 2, as_of=fast)).json()["difference"] == 1, "a clock that is fast by a minute means now"


async def test_counts_at_random_moments_find_the_losses_and_nothing_else(shop: Shop) -> None:
    """Goods come, go and get lost; whenever somebody counts and however late it is entered, the books are the shelf."""
    chance = random.Random(7)  # noqa: S311 - dice
    await shop.receive("a", 100)
    shelf, notes = 100, []
    for step in range(60):
        kind = chance.choice(("in", "out", "lost", "hold", "count", "enter"))
        if kind == "in":
            await shop.receive("a", 3)
            shelf += 3
        elif kind == "out":
            shelf -= 2
            await shop.adjust([line("a", -2)], "sold")
        elif kind == "lost":
            shelf -= 1
        elif kind == "hold":
            await shop.held(f"o{step}", ("a", 1))
        elif kind == "count":
            notes.append((shelf, (await shop.level("a"))["version"]))
        elif notes:
            units, version = notes.pop(0)
            assert (await counted(shop, units, expected_version=version)).status_code == 201
    final = await counted(shop, shelf, expected_version=(await shop.level("a"))["version"])
    assert final.json()["on_hand"] == shelf
    await shop.prove()


async def test_a_count_below_what_is_promised_names_the_reservations_at_risk(shop: Shop) -> None:
    await shop.receive("a", 10)
    held = await shop.held("o1", ("a", 6))
    over = await shop.held("o2", ("a", 1))
    await shop.done(over, "release")
    version = (await shop.level("a"))["version"]
    short = {"sku": "a", "location_id": "w1", "counted": 5, "expected_version": version}
    refused = await shop.client.post("/v1/stock/counts", json=short)
    assert (refused.status_code, refused.json()["code"]) == (409, "count_below_reserved")
    assert refused.json()["reservations"] == [held["id"]]


async def test_a_first_count_creates_the_level(shop: Shop) -> None:
    body = {"sku": "new", "location_id": "w1", "counted": 3, "expected_version": 0}
    assert (await shop.client.post("/v1/stock/counts", json=body)).json()["on_hand"] == 3
    await shop.prove()
