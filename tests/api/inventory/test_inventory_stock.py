"""The ledger through its doors: adjustments, safety stock, movements, availability; locations."""

import asyncio
from typing import Any

import pytest
from api.inventory.shopkit import Shop, figures


def line(sku: str, change: int, location_id: str = "w1", **fields: Any) -> dict[str, Any]:
    return {"sku": sku, "location_id": location_id, "change": change, **fields}


async def test_an_adjustment_is_all_or_nothing_and_names_every_short_line(shop: Shop) -> None:
    await shop.receive("a", 5)
    refused = await shop.adjust([line("a", -6), line("b", 7), line("c", -1)], "sold")
    assert (refused.status_code, refused.json()["code"]) == (409, "insufficient_stock")
    assert [(short["pointer"], short["change"], short["available"]) for short in refused.json()["lines"]] == [
        ("#/lines/0", -6, 5),
        ("#/lines/2", -1, 0),
    ]
    assert figures(await shop.level("a")) == (5, 5, 0, 0)
    assert (await shop.client.get("/v1/stock", params={"sku": "b"})).json()["data"] == []
    await shop.prove()


async def test_lines_of_one_sku_are_checked_together(shop: Shop) -> None:
    await shop.receive("a", 5)
    refused = await shop.adjust([line("a", -3), line("a", -3)], "sold")
    assert (refused.status_code, refused.json()["lines"][0]["change"]) == (409, -6)
    adjusted = await shop.adjust([line("a", -3), line("a", 3), line("a", -1)], "correction")
    assert adjusted.json()["lines"][0]["change"] == -1
    assert [row["quantity"] for row in await shop.movements(sku="a")] == [1, 5]


async def test_the_same_reference_is_one_adjustment(shop: Shop) -> None:
    first = await shop.adjust([line("a", 5)], reference="delivery 1")
    again = await shop.adjust([line("a", 5)], reference="delivery 1")
    assert (again.status_code, again.json()) == (201, first.json())
    other = await shop.adjust([line("a", 6)], reference="delivery 1")
    assert (other.status_code, other.json()["code"]) == (409, "reference_reused")
    assert figures(await shop.level("a")) == (5, 5, 0, 0)


async def test_a_refused_adjustment_leaves_its_reference_free(shop: Shop) -> None:
    assert (await shop.adjust([line("a", -1)], "sold", reference="r")).status_code == 409
    await shop.receive("a", 1)
    assert (await shop.adjust([line("a", -1)], "sold", reference="r")).status_code == 201


async def test_the_same_document_sent_many_times_at_once_posts_once(shop: Shop) -> None:
    answers = await asyncio.gather(*(shop.adjust([line("a", 5)], reference="erp-7") for _ in range(20)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert figures(await shop.level("a")) == (5, 5, 0, 0)
    await shop.prove()


async def test_a_move_between_states_is_two_lines(shop: Shop) -> None:
    await shop.receive("a", 5)
    await shop.adjust([line("a", -2), line("a", 2, state="damaged")], "damaged")
    await shop.adjust([line("a", 4, state="incoming"), line("a", 1, state="quality_control")], "other")
    level = await shop.level("a")
    assert (level["on_hand"], level["available"], level["damaged"]) == (6, 3, 2)
    assert (level["quality_control"], level["incoming"]) == (1, 4)
    refused = await shop.adjust([line("a", -3, state="damaged")], "damaged")
    assert refused.json()["lines"][0]["available"] == 2
    await shop.prove()


async def test_reserved_units_cannot_be_adjusted_away(shop: Shop) -> None:
    await shop.receive("a", 5)
    await shop.held("o1", ("a", 4))
    refused = await shop.adjust([line("a", -2)], "lost")
    assert (refused.status_code, refused.json()["lines"][0]["available"]) == (409, 1)


async def keep(shop: Shop, units: int, **fields: Any) -> dict[str, Any]:
    body = {"sku": "a", "location_id": "w1", "safety": units, **fields}
    response = await shop.client.put("/v1/stock/safety", json=body)
    assert response.status_code == 200, response.text
    level: dict[str, Any] = response.json()
    return level


async def test_safety_stock_is_never_promised_and_fills_first(shop: Shop) -> None:
    await shop.receive("a", 5)
    held = await shop.held("o1", ("a", 3))
    level = await keep(shop, 4)
    assert (level["available"], level["safety"], level["safety_target"]) == (0, 2, 4)
    assert (await shop.reserve("o2", ("a", 1))).json()["lines"][0]["available"] == 0
    await shop.done(held, "release")
    level = await shop.level("a")
    assert (level["available"], level["safety"]) == (1, 4)
    level = await keep(shop, 0)
    assert (level["available"], level["safety"]) == (5, 0)
    await shop.prove()


async def test_safety_stock_changes_what_it_is_given_only(shop: Shop) -> None:
    await shop.receive("a", 9)
    level = await keep(shop, 2, low_threshold=4, remark="双十一")
    by_hand = (await shop.movements(sku="a"))[0]
    assert (by_hand["reason"], by_hand["actor"], by_hand["remark"]) == ("safety_stock", "key:key_test", "双十一")
    level = await keep(shop, 3)
    assert (level["safety_target"], level["low_threshold"]) == (3, 4)
    body = {"sku": "a", "location_id": "w1"}
    for given, kept in (
        ({"low_threshold": 0}, (3, 0)),
        ({"low_threshold": None}, (3, None)),
        ({"safety": 0}, (0, None)),
    ):
        level = (await shop.client.put("/v1/stock/safety", json=body | given)).json()
        assert (level["safety_target"], level["low_threshold"]) == kept
    for nothing in ({}, {"remark": "x"}, {"safety": None}):
        assert (await shop.client.put("/v1/stock/safety", json=body | nothing)).status_code == 422
    assert (await shop.movements(sku="a"))[-1]["actor"] == "key:key_test"


async def test_movements_say_who_made_them_and_in_which_order(shop: Shop) -> None:
    remarked = await shop.adjust([line("a", 5)], remark="到货破损两件")
    assert remarked.json()["remark"] == "到货破损两件"
    await shop.held("o1", ("a", 2))
    shop.clock.advance(seconds=900)
    await shop.running.tick()
    rows = [(one["reason"], one["actor"], one["remark"], one["level_version"]) for one in await shop.movements(sku="a")]
    assert rows == [
        ("expired", "system", None, 3),
        ("reserved", "key:key_test", None, 2),
        ("received", "key:key_test", "到货破损两件", 1),
    ]


async def test_a_physical_loss_reaches_into_the_safety_stock(shop: Shop) -> None:
    await shop.receive("a", 5)
    await keep(shop, 4)
    assert (await shop.adjust([line("a", -3)], "lost")).status_code == 201
    level = await shop.level("a")
    assert (level["available"], level["safety"], level["on_hand"]) == (0, 2, 2)
    await shop.receive("a", 3)
    level = await shop.level("a")
    assert (level["available"], level["safety"]) == (1, 4)
    await shop.prove()


async def test_movements_page_through_the_whole_history(shop: Shop) -> None:
    for n in range(5):
        await shop.receive("a", n + 1)
    seen: list[int] = []
    params: dict[str, str | int] = {"sku": "a", "limit": 2}
    while True:
        page = (await shop.client.get("/v1/stock/movements", params=params)).json()
        seen += [row["quantity"] for row in page["data"]]
        if not page["has_more"]:
            break
        params["cursor"] = page["next_cursor"]
    assert seen == [5, 4, 3, 2, 1]


async def test_availability_of_several_skus_and_unknown_ones(shop: Shop) -> None:
    await shop.place("s1", kind="store")
    await shop.place("tmall", kind="marketplace")
    await shop.receive("a", 5)
    await shop.receive("a", 2, "s1")
    await shop.receive("a", 50, "tmall")
    await shop.held("o1", ("a", 1))
    answer = await shop.client.get("/v1/availability", params={"sku": ["a", "none", "a"], "channel": "app"})
    assert answer.json() == {
        "channel": "app",
        "at": "2026-11-11T02:00:00Z",
        "note": None,
        "data": [
            {
                "sku": "a",
                "in_stock": True,
                "available": 6,
                "locations": [{"location_id": "s1", "available": 2}, {"location_id": "w1", "available": 4}],
            },
            {"sku": "none", "in_stock": False, "available": 0, "locations": []},
        ],
    }


async def test_shoppers_learn_whether_there_is_any_and_neither_where_nor_how_much(shop: Shop) -> None:
    await shop.place("s1", kind="store")
    await shop.place("tmall", kind="marketplace")
    await shop.receive("many", 7)
    await shop.receive("many", 8, "s1")
    await shop.receive("few", 3)
    await shop.receive("elsewhere", 50, "tmall")
    skus = {"sku": ["many", "few", "elsewhere", "none"]}
    visitors = [shop.running.client(kind="publishable"), shop.running.client(customer_id="c1")]
    for visitor in visitors:
        shown = (await visitor.get("/v1/availability", params=skus)).json()["data"]
        assert [(one["sku"], one["in_stock"], one["available"], one["locations"]) for one in shown] == [
            ("many", True, 10, []),
            ("few", True, 3, []),
            ("elsewhere", False, 0, []),
            ("none", False, 0, []),
        ]
        asked = await visitor.get("/v1/availability", params={"sku": [f"s{n}" for n in range(21)]})
        assert (asked.status_code, asked.json()["errors"][0]["code"]) == (422, "too_many")
    exact = (await shop.client.get("/v1/availability", params=skus)).json()["data"]
    assert [one["available"] for one in exact] == [15, 3, 0, 0]


async def test_availability_later_is_that_of_now_and_says_so(shop: Shop) -> None:
    later = await shop.client.get("/v1/availability", params={"sku": "a", "at": "2026-11-12T10:00:00+08:00"})
    assert (later.json()["at"], later.json()["note"] is not None) == ("2026-11-12T02:00:00Z", True)
    past = await shop.client.get("/v1/availability", params={"sku": "a", "at": "2026-11-11T01:59:59Z"})
    assert (past.status_code, past.json()["errors"][0]["pointer"]) == (422, "?at")


async def test_locations_are_created_once_changed_and_listed(shop: Shop) -> None:
    body = {
        "id": "sh-1",
        "name": "静安店",
        "kind": "store",
        "geo": {"lat": 31.23, "lon": 121.45},
        "address": "南京西路",
    }
    first = await shop.client.post("/v1/locations", json=body)
    assert (first.status_code, first.json()["can_pickup"]) == (201, True)
    assert (await shop.client.post("/v1/locations", json=body)).json() == first.json()
    other = await shop.client.post("/v1/locations", json=body | {"name": "else"})
    assert (other.status_code, other.json()["code"]) == (409, "location_exists")
    changed = await shop.client.patch("/v1/locations/sh-1", json={"geo": None, "active": False})
    assert (changed.json()["geo"], changed.json()["active"], changed.json()["version"]) == (None, False, 2)
    assert (await shop.client.get("/v1/locations/sh-1")).json() == changed.json()
    listed = (await shop.client.get("/v1/locations", params={"kind": "store"})).json()["data"]
    assert [place["id"] for place in listed] == ["sh-1"]
    active = (await shop.client.get("/v1/locations", params={"active": True})).json()["data"]
    assert [place["id"] for place in active] == ["w1"]
    made = await shop.client.post("/v1/locations", json={"name": "x", "kind": "supplier"})
    assert made.json()["id"].startswith("loc_")


@pytest.mark.parametrize("method", ["get", "patch"])
async def test_unknown_location(shop: Shop, method: str) -> None:
    answer = await shop.client.request(method, "/v1/locations/none", json={} if method == "patch" else None)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
