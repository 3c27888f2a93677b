"""An order that reserves again, and steps that concern a part of a reservation."""

import asyncio
from collections import Counter

import httpx
import pytest
from api.inventory.shopkit import Json, Shop, figures

from services.inventory.app import create_service
from services.inventory.settings import InventorySettings


async def ended(shop: Shop, order_id: str, units: int, how: str) -> Json:
    held = await shop.held(order_id, ("a", units))
    if how == "released":
        return await shop.done(held, "release")
    shop.clock.advance(seconds=900)
    if how == "expired":
        await shop.running.tick()
    return held


@pytest.mark.parametrize("how", ["released", "expired", "overdue"])
async def test_an_order_that_holds_nothing_reserves_anew(shop: Shop, how: str) -> None:
    """It was answered 201 with the dead reservation, and nothing was held."""
    await shop.receive("a", 3)
    before = await ended(shop, "o1", 3, how)
    answer = await shop.reserve("o1", ("a", 3))
    after = answer.json()
    assert (answer.status_code, after["status"], "Idempotent-Replayed" in answer.headers) == (201, "held", False)
    assert after["id"] != before["id"]
    assert figures(await shop.level("a")) == (3, 0, 3, 0)
    again = await shop.reserve("o1", ("a", 3))
    assert (again.status_code, again.json(), again.headers["Idempotent-Replayed"]) == (201, after, "true")
    assert (await shop.read(before))["status"] == "released"
    assert (await shop.step(before, "confirm")).status_code == 409, "the order would hold twice"
    await shop.done(after, "confirm")
    names = ["reservation.held", "reservation.held", f"reservation.{how.replace('overdue', 'expired')}"]
    assert [len(await shop.told(name)) for name in names] == [2, 2, 1]
    await shop.prove()


async def test_an_order_may_ask_anew_for_other_lines_as_often_as_it_ended(shop: Shop) -> None:
    await shop.receive("a", 5)
    ids = {(await ended(shop, "o1", units, "released"))["id"] for units in (1, 2, 3)}
    assert len(ids) == 3
    short = await shop.reserve("o1", ("a", 6))
    assert (short.status_code, short.json()["code"]) == (409, "insufficient_stock")
    await shop.held("o1", ("a", 5))
    other = await shop.reserve("o1", ("a", 4))
    assert (other.status_code, other.json()["code"]) == (409, "order_already_reserved")
    listed = (await shop.client.get("/v1/reservations", params={"order_id": "o1"})).json()["data"]
    assert [one["status"] for one in listed] == ["held", "released", "released", "released"]
    await shop.prove()


async def test_short_of_stock_the_former_reservation_stays_what_it_was(shop: Shop) -> None:
    await shop.receive("a", 3)
    late = await ended(shop, "o1", 2, "overdue")
    assert (await shop.reserve("o1", ("a", 4))).status_code == 409
    assert (await shop.read(late))["status"] == "expired"
    assert (await shop.done(late, "confirm"))["reserved_again"]
    await shop.prove()


async def test_a_repeat_after_payment_is_a_replay_and_after_shipping_a_conflict(shop: Shop) -> None:
    await shop.receive("a", 5)
    held = await shop.held("o1", ("a", 2))
    await shop.done(held, "confirm")
    await shop.done(held, "ship", {"lines": [{"sku": "a", "quantity": 1}]})
    repeat = await shop.reserve("o1", ("a", 2))
    assert (repeat.status_code, repeat.json()["id"], repeat.headers["Idempotent-Replayed"]) == (201, held["id"], "true")
    await shop.done(held, "ship")
    late = await shop.reserve("o1", ("a", 2))
    assert (late.status_code, late.json()["code"]) == (409, "order_already_shipped")
    assert figures(await shop.level("a")) == (3, 3, 0, 0)


@pytest.mark.parametrize("how", ["released", "expired", "overdue"])
async def test_many_who_reserve_anew_at_once_hold_once(shop: Shop, how: str) -> None:
    await shop.receive("a", 50)
    before = await ended(shop, "o1", 2, how)
    answers = await asyncio.gather(
        *(shop.reserve("o1", ("a", 2)) for _ in range(12)), *(shop.step(before, "confirm") for _ in range(3))
    )
    assert not {answer.status_code for answer in answers} - {200, 201, 409}
    assert len({answer.json()["id"] for answer in answers[:12]}) == 1
    level = await shop.level("a")
    assert level["held"] + level["committed"] == 2
    await shop.prove()


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
async def test_two_processes_reserve_anew_while_a_late_payment_comes(shop: Shop) -> None:
    kit = shop.running.service.kit
    twin = create_service(InventorySettings(**kit.settings.model_dump()), kit.bus, shop.clock)
    await shop.receive("a", 100)
    late = [await shop.held(f"o{n}", ("a", 1)) for n in range(24)]
    shop.clock.advance(seconds=900)
    async with twin.running():
        transport = httpx.ASGITransport(twin.app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://service", auth=shop.client.auth, timeout=30
        ) as other:

            async def anew(client: httpx.AsyncClient, n: int) -> httpx.Response:
                body = {"order_id": f"o{n}", "channel": "app", "lines": [{"sku": "a", "quantity": 1}]}
                return await client.post("/v1/reservations", json=body)

            answers = await asyncio.gather(
                *(anew(client, n) for n in range(24) for client in (shop.client, other)),
                *(other.post(f"/v1/reservations/{one['id']}/confirm") for one in late),
                *(shop.running.tick() for _ in range(2)),
            )
    statuses = Counter(answer.status_code for answer in answers if answer is not None)
    assert not set(statuses) - {200, 201, 409, 410}
    level = await shop.level("a")
    assert level["held"] + level["committed"] == 24
    await shop.prove()


async def test_a_part_is_released_and_the_rest_stays(shop: Shop) -> None:
    """It freed all six, whatever the body said."""
    await shop.receive("a", 6)
    held = await shop.held("o1", ("a", 6))
    four = {"lines": [{"sku": "a", "quantity": 4}], "remark": "客户取消四件"}
    part = await shop.done(held, "release", four)
    assert (part["status"], part["lines"][0]["released"], figures(await shop.level("a"))) == ("held", 4, (6, 4, 2, 0))
    too_much = await shop.step(held, "release", four)
    assert (too_much.status_code, too_much.json()["code"]) == (409, "release_exceeds_reserved")
    assert too_much.json()["lines"] == [{"sku": "a", "location_id": None, "requested": 4, "open": 2}]
    await shop.done(held, "confirm")
    await shop.done(held, "release", {"lines": [{"sku": "a", "quantity": 1, "location_id": "w1"}]})
    assert figures(await shop.level("a")) == (6, 5, 0, 1)
    told = [(message["lines"][0]["quantity"], message["status"]) for message in await shop.told("reservation.released")]
    assert told == [(4, "held"), (1, "confirmed")]
    last = (await shop.movements(reservation_id=held["id"]))[-2]
    assert (last["remark"], last["actor"], last["reason"]) == ("客户取消四件", "key:key_test", "released")
    assert (await shop.done(held, "ship"))["status"] == "shipped"
    await shop.prove()


async def test_a_part_is_released_once_per_reference_also_at_once(shop: Shop) -> None:
    await shop.receive("a", 6)
    held = await shop.held("o1", ("a", 6))
    cancel = {"lines": [{"sku": "a", "quantity": 2}], "reference": "cancel-1"}
    answers = await asyncio.gather(*(shop.step(held, "release", cancel) for _ in range(6)))
    assert {answer.status_code for answer in answers} == {200}
    assert all(answer.json() == answers[0].json() for answer in answers)
    assert [answer.headers.get("Idempotent-Replayed") for answer in answers].count("true") == 5
    other = await shop.step(held, "release", cancel | {"lines": [{"sku": "a", "quantity": 1}]})
    assert (other.status_code, other.json()["code"]) == (409, "reference_reused")
    assert figures(await shop.level("a")) == (6, 2, 4, 0)
    keyed = [
        await shop.client.post(
            f"/v1/reservations/{held['id']}/release",
            json={"lines": [{"sku": "a", "quantity": 1}]},
            headers={"Idempotency-Key": "k"},
        )
        for _ in range(2)
    ]
    assert keyed[0].text == keyed[1].text
    assert figures(await shop.level("a")) == (6, 3, 3, 0)
    await shop.prove()


async def test_a_part_that_is_paid_gives_the_rest_back_once(shop: Shop) -> None:
    await shop.receive("a", 6)
    await shop.receive("b", 1)
    held = await shop.held("o1", ("a", 6), ("b", 1))
    four = {"lines": [{"sku": "a", "quantity": 4}]}
    answers = await asyncio.gather(*(shop.step(held, "confirm", four) for _ in range(5)))
    assert {(answer.status_code, answer.text) for answer in answers} == {(200, answers[0].text)}
    assert (figures(await shop.level("a")), figures(await shop.level("b"))) == ((6, 2, 0, 4), (1, 1, 0, 0))
    other = await shop.step(held, "confirm", {"lines": [{"sku": "a", "quantity": 3}]})
    assert (other.status_code, other.json()["code"]) == (409, "confirmed_otherwise")
    assert [message["lines"][0]["quantity"] for message in await shop.told("reservation.confirmed")] == [4]
    assert [[line["quantity"] for line in message["lines"]] for message in await shop.told("reservation.released")] == [
        [2, 1]
    ]
    assert (await shop.done(held, "ship"))["status"] == "shipped"
    await shop.prove()


async def test_a_late_payment_of_a_part_takes_only_that_part(shop: Shop) -> None:
    await shop.place("w2")
    await shop.receive("a", 6)
    held = await shop.held("o1", ("a", 6))
    await shop.done(held, "release", {"lines": [{"sku": "a", "quantity": 1}]})
    shop.clock.advance(seconds=900)
    await shop.running.tick()
    await shop.held("o2", ("a", 6, "w1"))
    await shop.receive("a", 3, "w2")
    too_many = await shop.step(held, "confirm", {"lines": [{"sku": "a", "quantity": 6}]})
    assert (too_many.status_code, too_many.json()["code"]) == (409, "confirm_exceeds_reserved")
    assert (await shop.step(held, "confirm")).status_code == 410
    paid = await shop.done(held, "confirm", {"lines": [{"sku": "a", "quantity": 3}]})
    assert [(line["location_id"], line["quantity"], line["released"]) for line in paid["lines"]] == [
        ("w2", 3, 0),
        ("w1", 3, 3),
    ]
    assert await shop.read(held) == paid
    await shop.prove()


UNREADABLE = (
    "not json",
    "[]",
    "4",
    '{"lines": []}',
    '{"units": 4}',
    '{"lines": [{"sku": "a", "quantity": 0}]}',
    "{",
    '"',
)


@pytest.mark.parametrize("verb", ["confirm", "release", "ship", "extend"])
async def test_no_step_passes_over_a_body_that_it_does_not_know(shop: Shop, verb: str) -> None:
    await shop.receive("a", 6)
    held = await shop.held("o1", ("a", 6))
    for text in UNREADABLE:
        answer = await shop.client.post(f"/v1/reservations/{held['id']}/{verb}", content=text)
        assert answer.status_code in (400, 422), (text, answer.text)
    assert (await shop.read(held))["version"] == 1
    for nothing in ("", "null", " \n", "{}"):
        answer = await shop.client.post(f"/v1/reservations/{held['id']}/release", content=nothing)
        assert (answer.status_code, answer.json()["status"]) == (200, "released")


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_a_batch_takes_as_many_statements_as_one_order(shop: Shop) -> None:
    """Whether orders reserve for the first time or anew, and whether one is paid or forty."""
    await shop.receive("a", 1_000)
    said: list[str] = []
    async with shop.running.service.kit.db.write() as tx:
        raw = await tx.connection.get_raw_connection()
        assert raw.driver_connection is not None
        await raw.driver_connection.set_trace_callback(said.append)

    def longest(table: str) -> int:
        """Statements of the longest transaction that wrote this table."""
        whole = "\n".join(statement.split("\n")[0] for statement in said).split("BEGIN IMMEDIATE")
        said.clear()
        return max(len(one.strip().split("\n")) for one in whole if table in one)

    async def reserved(first: int, last: int) -> int:
        await asyncio.gather(*(shop.held(f"o{number}", ("a", 1)) for number in range(first, last)))
        return longest('INSERT INTO "reservation_line"')

    async def confirmed(first: int, last: int) -> int:
        listed = (await shop.client.get("/v1/reservations", params={"limit": 100, "status": "held"})).json()["data"]
        await asyncio.gather(*(shop.done(one, "confirm") for one in listed[first:last]))
        return longest('UPDATE "reservation"')

    assert await reserved(0, 1) == await reserved(1, 41) == 9  # a pack for each of two names, and the COMMIT
    shop.clock.advance(seconds=900)
    assert await reserved(0, 1) == await reserved(1, 41)
    assert await confirmed(0, 1) == await confirmed(1, 40)
