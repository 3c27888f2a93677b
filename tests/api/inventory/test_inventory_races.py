"""Many at once: never oversold, never falsely sold out, never a deadlock, exactly one winner; the audit clean after each."""

import asyncio
import itertools
from collections import Counter
from typing import Any

import httpx
import pytest
from api.inventory.shopkit import Json, Shop, figures

from services.inventory.app import create_service
from services.inventory.settings import InventorySettings
from shared.service import Service


async def test_hundred_in_stock_four_hundred_want_one(shop: Shop) -> None:
    await shop.receive("hot", 100)
    answers = await asyncio.gather(*(shop.reserve(f"o{n}", ("hot", 1)) for n in range(400)))
    assert Counter(answer.status_code for answer in answers) == {201: 100, 409: 300}
    assert figures(await shop.level("hot")) == (100, 0, 100, 0)
    await shop.prove()


async def test_partial_grants_sell_the_last_unit(shop: Shop) -> None:
    """Quantities of 1 to 7 against 100: what was refused did not fit at that moment; singles then take the rest exactly."""
    await shop.receive("hot", 100)
    wanted = [1 + n * 5 % 7 for n in range(60)]
    answers = await asyncio.gather(*(shop.reserve(f"o{n}", ("hot", units)) for n, units in enumerate(wanted)))
    sold = sum(units for units, answer in zip(wanted, answers, strict=True) if answer.status_code == 201)
    assert sold <= 100
    rest = 100 - sold
    singles = await asyncio.gather(*(shop.reserve(f"s{n}", ("hot", 1)) for n in range(rest + 5)))
    assert Counter(answer.status_code for answer in singles) == Counter({201: rest, 409: 5})
    await shop.prove()


async def test_one_unit_fifty_orders(shop: Shop) -> None:
    await shop.receive("a", 1)
    answers = await asyncio.gather(*(shop.reserve(f"o{n}", ("a", 1)) for n in range(50)))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 49}


async def test_one_order_sent_fifty_times_reserves_once(shop: Shop) -> None:
    await shop.receive("a", 50)
    answers = await asyncio.gather(*(shop.reserve("o1", ("a", 1)) for _ in range(50)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert figures(await shop.level("a")) == (50, 49, 1, 0)
    await shop.prove()


async def test_one_order_with_different_bodies_reserves_one_of_them(shop: Shop) -> None:
    await shop.receive("a", 100)
    answers = await asyncio.gather(*(shop.reserve("o1", ("a", 1 + n % 5)) for n in range(50)))
    assert Counter(answer.status_code for answer in answers) == {201: 10, 409: 40}
    await shop.prove()


async def test_skus_in_opposite_order_never_deadlock(shop: Shop) -> None:
    for place in ("w2", "w3"):
        await shop.place(place)
    for sku in ("a", "b", "c"):
        for place in ("w1", "w2", "w3"):
            await shop.receive(sku, 40, place)
    lots: list[list[tuple[Any, ...]]] = [
        [("a", 1), ("b", 1), ("c", 1)],
        [("c", 1), ("b", 1, "w2"), ("a", 1, "w3")],
        [("b", 1, "w1"), ("a", 1), ("c", 2)],
    ]
    orders = list(itertools.permutations("abc"))
    writes = [shop.reserve(f"o{n}", *lots[n % 3]) for n in range(60)]
    writes += [
        shop.adjust([{"sku": sku, "location_id": "w1", "change": 1} for sku in orders[n % 6]]) for n in range(20)
    ]
    answers = await asyncio.gather(*writes)
    assert {answer.status_code for answer in answers} == {201}
    held = [answer.json() for answer in answers[:60]]
    steps = [(verb, reservation) for verb in ("extend", "release", "confirm") for reservation in held]
    # Interleaved: neighbours in time are different steps of different orders.
    mixed = [steps[n * 37 % len(steps)] for n in range(len(steps))]
    answers = await asyncio.gather(*(shop.step(reservation, verb) for verb, reservation in mixed))
    assert {answer.status_code for answer in answers} <= {200, 409}
    await shop.prove()


async def test_confirm_against_expiry_against_release(shop: Shop) -> None:
    """All three at the moment of expiry: exactly one decides, and the stock is where the winner put it."""
    await shop.receive("a", 30)
    await shop.receive("gate", 1)
    held = [await shop.held(f"o{n}", ("a", 1)) for n in range(30)]
    shop.clock.advance(seconds=900)
    answers = await asyncio.gather(
        *(shop.step(reservation, verb) for reservation in held for verb in ("confirm", "release")),
        *(shop.running.tick() for _ in range(3)),
        return_exceptions=True,
    )
    assert not [answer for answer in answers if isinstance(answer, Exception)]
    states = Counter([(await shop.read(reservation))["status"] for reservation in held])
    level = await shop.level("a")
    assert level["held"] == 0
    assert level["committed"] == states["confirmed"]
    assert level["available"] == states["released"] + states["expired"]
    assert set(states) <= {"confirmed", "released", "expired"}
    await shop.prove()


async def test_release_against_release_gives_back_once(shop: Shop) -> None:
    await shop.receive("a", 5)
    held = await shop.held("o1", ("a", 3))
    answers = await asyncio.gather(*(shop.step(held, "release") for _ in range(20)))
    assert {answer.text for answer in answers} == {answers[0].text}
    assert figures(await shop.level("a")) == (5, 5, 0, 0)


async def test_late_confirms_against_new_orders_for_the_last_units(shop: Shop) -> None:
    await shop.receive("a", 10)
    late = [await shop.held(f"o{n}", ("a", 1)) for n in range(10)]
    shop.clock.advance(seconds=900)
    await shop.running.tick()
    answers = await asyncio.gather(
        *(shop.step(reservation, "confirm") for reservation in late),
        *(shop.reserve(f"new{n}", ("a", 1)) for n in range(10)),
    )
    won = Counter(answer.status_code for answer in answers)
    assert won[200] + won[201] == 10
    assert won[410] + won[409] == 10
    await shop.prove()


async def test_parts_shipped_at_once_never_exceed_the_order(shop: Shop) -> None:
    await shop.receive("a", 10)
    held = await shop.held("o1", ("a", 10))
    await shop.done(held, "confirm")
    part = {"lines": [{"sku": "a", "quantity": 3}]}
    answers = await asyncio.gather(*(shop.step(held, "ship", part) for _ in range(8)))
    assert Counter(answer.status_code for answer in answers) == {200: 3, 409: 5}
    assert figures(await shop.level("a")) == (1, 0, 0, 1)
    await shop.prove()


async def test_the_same_parcel_at_once_ships_once(shop: Shop) -> None:
    await shop.receive("a", 10)
    held = await shop.held("o1", ("a", 10))
    await shop.done(held, "confirm")
    part = {"lines": [{"sku": "a", "quantity": 3}], "reference": "SF1"}
    answers = await asyncio.gather(*(shop.step(held, "ship", part) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert figures(await shop.level("a")) == (7, 0, 0, 7)
    await shop.prove()


async def test_adjustments_at_once_never_go_below_zero(shop: Shop) -> None:
    for sku in ("a", "b", "c"):
        await shop.receive(sku, 12)
    orders = list(itertools.permutations("abc"))
    sold = [[{"sku": sku, "location_id": "w1", "change": -1} for sku in orders[n % 6]] for n in range(30)]
    answers = await asyncio.gather(*(shop.adjust(lines, "sold") for lines in sold))
    assert Counter(answer.status_code for answer in answers) == {201: 12, 409: 18}
    versions = [(told["sku"], told["level_version"]) for told in await shop.told("stock.changed")]
    assert len(versions) == len(set(versions)), "every change of a level has a version of its own"
    await shop.prove()


async def test_counts_and_orders_at_once(shop: Shop) -> None:
    """The same count five times while orders come: its difference is booked once."""
    await shop.receive("a", 100)
    version = (await shop.level("a"))["version"]
    count = {"sku": "a", "location_id": "w1", "counted": 90, "expected_version": version}

    async def counting() -> httpx.Response:
        return await shop.client.post("/v1/stock/counts", json=count)

    answers = await asyncio.gather(
        *(shop.reserve(f"o{n}", ("a", 1)) for n in range(40)), *(counting() for _ in range(5))
    )
    assert Counter(answer.status_code for answer in answers[:40]) == {201: 40}
    assert {answer.status_code for answer in answers[40:]} == {201}
    assert sorted(answer.json()["difference"] for answer in answers[40:]) == [-10, 0, 0, 0, 0]
    assert figures(await shop.level("a")) == (90, 50, 40, 0)
    await shop.prove()


async def test_a_bad_request_never_fails_its_neighbours(shop: Shop) -> None:
    await shop.receive("a", 100)
    good = [shop.reserve(f"o{n}", ("a", 1)) for n in range(40)]
    bad = [shop.reserve(f"x{n}", ("a", 1, "nowhere")) for n in range(10)]
    short = [shop.reserve(f"y{n}", ("a", 1000)) for n in range(10)]
    mixed = [request for trio in zip(good[:10], bad, short, strict=True) for request in trio] + good[10:]
    answers = await asyncio.gather(*mixed)
    assert Counter(answer.status_code for answer in answers) == {201: 40, 422: 10, 409: 10}
    await shop.prove()


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
async def test_two_processes_on_one_database(shop: Shop) -> None:
    """A second copy of the service: same orders, same SKU, opposite directions. PostgreSQL only: SQLite has one process."""
    kit = shop.running.service.kit
    settings = InventorySettings(**kit.settings.model_dump())
    twin: Service = create_service(settings, kit.bus, shop.clock)
    await shop.receive("a", 60)
    await shop.receive("b", 60)
    async with twin.running():
        other = httpx.AsyncClient(
            transport=httpx.ASGITransport(twin.app), base_url="http://service", auth=shop.client.auth, timeout=30
        )
        async with other:
            clients = (shop.client, other)

            async def reserve(n: int, client: httpx.AsyncClient) -> httpx.Response:
                lines = [{"sku": "a", "quantity": 1}, {"sku": "b", "quantity": 1}]
                body = {"order_id": f"o{n}", "channel": "app", "lines": lines if n % 2 else lines[::-1]}
                return await client.post("/v1/reservations", json=body)

            assert (await other.get("/v1/stock")).status_code == 200  # its connections are open now
            answers: list[httpx.Response] = []
            for start in range(0, 80, 8):
                orders = range(start, start + 8)
                answers += await asyncio.gather(*(reserve(n, client) for n in orders for client in clients))
    by_order: dict[str, set[str]] = {}
    held: list[Json] = [answer.json() for answer in answers if answer.status_code == 201]
    for reservation in held:
        by_order.setdefault(reservation["order_id"], set()).add(reservation["id"])
    assert len(by_order) == 60
    assert all(len(ids) == 1 for ids in by_order.values())
    assert {answer.status_code for answer in answers} == {201, 409}
    assert figures(await shop.level("a")) == (60, 0, 60, 0)
    await shop.prove()
