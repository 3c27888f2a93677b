"""Reservations through their life, on both databases."""

from api.inventory.shopkit import Shop, figures


async def test_all_lines_or_nothing_and_every_short_line_is_named(shop: Shop) -> None:
    await shop.receive("a", 5)
    await shop.receive("b", 1)
    refused = await shop.reserve("o1", ("a", 5), ("b", 2), ("never-seen", 1))
    assert refused.status_code == 409
    problem = refused.json()
    assert problem["code"] == "insufficient_stock"
    assert problem["lines"] == [
        {"sku": "b", "requested": 2, "available": 1},
        {"sku": "never-seen", "requested": 1, "available": 0},
    ]
    assert figures(await shop.level("a")) == (5, 5, 0, 0)
    await shop.prove()


async def test_duplicate_lines_are_summed_before_the_check(shop: Shop) -> None:
    await shop.receive("a", 3)
    refused = await shop.reserve("o1", ("a", 2), ("a", 2))
    assert refused.status_code == 409
    assert refused.json()["lines"] == [{"sku": "a", "requested": 4, "available": 3}]
    held = await shop.held("o2", ("a", 1), ("a", 2))
    assert [line["quantity"] for line in held["lines"]] == [3]


async def test_a_named_and_an_unnamed_line_of_one_sku_share_the_stock(shop: Shop) -> None:
    await shop.receive("a", 3)
    refused = await shop.reserve("o1", ("a", 2, "w1"), ("a", 2))
    assert refused.status_code == 409
    assert refused.json()["lines"] == [{"sku": "a", "requested": 2, "available": 1}]
    held = await shop.held("o2", ("a", 2, "w1"), ("a", 1))
    assert sum(line["quantity"] for line in held["lines"]) == 3
    await shop.prove()


async def test_same_order_same_body_same_answer(shop: Shop) -> None:
    await shop.receive("a", 5)
    first = await shop.reserve("o1", ("a", 1), ("a", 1))
    again = await shop.reserve("o1", ("a", 2))
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    other = await shop.reserve("o1", ("a", 3))
    assert (other.status_code, other.json()["code"]) == (409, "order_already_reserved")
    assert other.json()["reservation_id"] == first.json()["id"]
    assert figures(await shop.level("a")) == (5, 3, 2, 0)


async def test_a_repeat_is_answered_also_when_the_stock_is_gone(shop: Shop) -> None:
    await shop.receive("a", 1)
    first = await shop.held("o1", ("a", 1))
    assert (await shop.held("o1", ("a", 1))) == first


async def test_every_step_twice_is_the_same_as_once(shop: Shop) -> None:
    await shop.receive("a", 4)
    one, two = await shop.held("o1", ("a", 1)), await shop.held("o2", ("a", 2))
    for reservation, verb in ((one, "confirm"), (one, "ship"), (two, "release")):
        first = await shop.done(reservation, verb)
        assert await shop.done(reservation, verb) == first
    assert figures(await shop.level("a")) == (3, 3, 0, 0)
    assert len(await shop.movements(sku="a")) == 6  # received, 2 × reserved, confirmed, shipped, released
    await shop.prove()


async def test_what_was_released_stays_released(shop: Shop) -> None:
    """Also what ran out before: the order is cancelled, and a late confirm must not take stock for it."""
    await shop.receive("a", 1)
    late = await shop.held("o1", ("a", 1))
    shop.clock.advance(seconds=900)
    await shop.running.tick()
    released = await shop.done(late, "release")
    assert (released["status"], released["lines"][0]["released"]) == ("released", 1)
    assert await shop.done(late, "release") == released
    other = await shop.held("o2", ("a", 1))
    await shop.done(other, "release")
    for cancelled in (late, other):
        confirm = await shop.step(cancelled, "confirm")
        assert (confirm.status_code, confirm.json()["code"]) == (409, "reservation_state")
    assert figures(await shop.level("a")) == (1, 1, 0, 0)
    await shop.prove()


async def test_ship_in_parts_then_cancel_returns_only_the_rest(shop: Shop) -> None:
    await shop.receive("a", 10)
    held = await shop.held("o1", ("a", 5))
    unpaid = await shop.step(held, "ship")
    assert (unpaid.status_code, unpaid.json()["code"]) == (409, "reservation_state")
    await shop.done(held, "confirm")
    part = await shop.done(held, "ship", {"lines": [{"sku": "a", "quantity": 2}]})
    assert (part["status"], part["lines"][0]["shipped"]) == ("partially_shipped", 2)
    too_much = await shop.step(held, "ship", {"lines": [{"sku": "a", "quantity": 2}, {"sku": "a", "quantity": 2}]})
    assert too_much.status_code == 409
    assert too_much.json()["lines"] == [{"sku": "a", "location_id": None, "requested": 4, "open": 3}]
    released = await shop.done(held, "release")
    assert (released["status"], released["lines"][0]["released"]) == ("released", 3)
    assert figures(await shop.level("a")) == (8, 8, 0, 0)
    await shop.prove()


async def test_a_parcel_is_shipped_once_per_reference(shop: Shop) -> None:
    await shop.receive("a", 5)
    held = await shop.held("o1", ("a", 4))
    await shop.done(held, "confirm")
    parcel = {"lines": [{"sku": "a", "quantity": 1}], "reference": "SF1"}
    first = await shop.done(held, "ship", parcel)
    assert await shop.done(held, "ship", parcel) == first
    other = await shop.step(held, "ship", {"lines": [{"sku": "a", "quantity": 2}], "reference": "SF1"})
    assert (other.status_code, other.json()["code"]) == (409, "reference_reused")
    assert (await shop.done(held, "ship", parcel | {"reference": "SF2"}))["lines"][0]["shipped"] == 2
    assert figures(await shop.level("a")) == (3, 1, 0, 2)


async def test_released_after_everything_shipped_is_refused(shop: Shop) -> None:
    await shop.receive("a", 1)
    held = await shop.held("o1", ("a", 1))
    await shop.done(held, "confirm")
    await shop.done(held, "ship")
    refused = await shop.step(held, "release")
    assert (refused.status_code, refused.json()["code"]) == (409, "reservation_state")


async def test_placement_prefers_one_location_then_the_largest_stock(shop: Shop) -> None:
    for place in ("w2", "w3"):
        await shop.place(place)
    await shop.place("partner", kind="supplier")
    for place, a, b in (("w1", 5, 0), ("w2", 3, 3), ("w3", 4, 1), ("partner", 99, 99)):
        for sku, units in (("a", a), ("b", b)):
            if units:
                await shop.receive(sku, units, place)
    one = await shop.held("o1", ("a", 2), ("b", 2))
    assert {line["location_id"] for line in one["lines"]} == {"w2"}
    split = await shop.held("o2", ("a", 7))
    assert [(line["location_id"], line["quantity"]) for line in split["lines"]] == [("w1", 5), ("w3", 2)]
    named = await shop.held("o3", ("a", 50, "partner"))
    assert named["lines"][0]["location_id"] == "partner"
    short = await shop.reserve("o4", ("a", 4))
    assert short.json()["lines"] == [{"sku": "a", "requested": 4, "available": 3}]


async def test_a_closed_location_promises_nothing_new(shop: Shop) -> None:
    await shop.receive("a", 5)
    held = await shop.held("o1", ("a", 1))
    await shop.client.patch("/v1/locations/w1", json={"active": False})
    assert (await shop.reserve("o2", ("a", 1))).json()["lines"][0]["available"] == 0
    for sku in ("a", "never-there"):
        named = await shop.reserve("o3", ("a", 1), (sku, 1, "w1"))
        assert (named.status_code, named.json()["code"]) == (409, "location_closed")
        assert named.json()["errors"][0]["pointer"] == "#/lines/1/location_id"
        short = {"sku": sku, "location_id": "w1", "requested": 1, "available": 0}
        assert short in named.json()["lines"]
    await shop.done(held, "confirm")
    await shop.done(held, "ship")


async def test_unknown_location_and_unknown_reservation(shop: Shop) -> None:
    unknown = await shop.reserve("o1", ("a", 1, "nowhere"))
    assert (unknown.status_code, unknown.json()["code"]) == (422, "unknown_location")
    for verb in ("confirm", "release", "extend", "ship"):
        missing = await shop.step({"id": "rsv_none"}, verb)
        assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
    assert (await shop.client.get("/v1/reservations/rsv_none")).status_code == 404


async def test_list_and_filters(shop: Shop) -> None:
    await shop.receive("a", 9)
    await shop.receive("b", 9)
    one, two = await shop.held("o1", ("a", 1)), await shop.held("o2", ("b", 1), channel="tmall")
    await shop.done(two, "confirm")

    async def found(**filters: str | int) -> list[str]:
        page = (await shop.client.get("/v1/reservations", params=filters)).json()
        return [row["order_id"] for row in page["data"]]

    assert await found() == ["o2", "o1"]
    assert await found(order_id="o1") == ["o1"]
    assert await found(status="confirmed") == ["o2"]
    assert await found(channel="tmall") == ["o2"]
    assert await found(sku="a") == ["o1"]
    first = (await shop.client.get("/v1/reservations", params={"limit": 1})).json()
    assert first["has_more"]
    rest = await shop.client.get("/v1/reservations", params={"limit": 1, "cursor": first["next_cursor"]})
    assert rest.json()["data"] == [await shop.read(one)]
