"""Lucky draws over HTTP: odds, quantities and limits are exact, and outsiders can recompute every ticket."""

import asyncio
import hashlib
import hmac
import json
from collections import Counter
from typing import Any

import pytest
from api.coupon.mall import Json, Mall
from sqlalchemy import update

from services.coupon.draws.models import DrawTicket
from shared.clock import ManualClock

WINDOW = {"from": "2026-11-11T00:00:00Z", "until": "2026-11-12T00:00:00Z"}


async def draw(mall: Mall, prizes: list[Json], **more: Any) -> str:
    body = {"name": "大转盘", "window": WINDOW, "prizes": prizes, "limits": {"per_customer": 1000}, **more}
    answer = await mall.http.post("/v1/draws", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def ticket(mall: Mall, draw_id: str, customer_id: str = "c1", **more: Any) -> Any:
    return await mall.http.post(f"/v1/draws/{draw_id}/tickets", json={"customer_id": customer_id, **more})


async def seen(mall: Mall, draw_id: str) -> Json:
    found: Json = (await mall.http.get(f"/v1/draws/{draw_id}")).json()
    return found


def recomputed(view: Json, one: Json) -> int | None:
    """The place of the drawn prize, from what the API answered and from nothing else."""
    attempt = 0
    while True:
        message = f"{view['id']}|{one['number']}|{one['customer_id']}|{attempt}".encode()
        digest = hmac.new(bytes.fromhex(view["seed"]), message, hashlib.sha256).digest()
        number = int.from_bytes(digest[:8], "big")
        if number < 2**64 - 2**64 % 10_000:
            break
        attempt += 1
    point = number % 10_000
    for prize in view["prizes"]:
        if point < prize["odds_bp"]:
            return int(prize["place"])
        point -= prize["odds_bp"]
    return None


async def test_outsiders_recompute_every_ticket_once_the_draw_is_closed(mall: Mall) -> None:
    template_id = await mall.template(limits={"total": 20})
    prizes: list[Json] = [
        {"name": "coupon", "template_id": template_id, "odds_bp": 5000, "quantity": 8, "fallback": "sticker"},
        {"name": "sticker", "template_id": None, "odds_bp": 2500, "quantity": None},
    ]
    draw_id = await draw(mall, prizes)
    before = await seen(mall, draw_id)
    assert before["seed"] is None
    racers = await asyncio.gather(*[ticket(mall, draw_id, f"客{number}") for number in range(40)])
    assert {answer.status_code for answer in racers} == {201}
    assert sorted(answer.json()["number"] for answer in racers) == list(range(1, 41))
    won = [answer.json() for answer in racers if answer.json()["coupon"]]
    assert all(one["coupon"]["source"] == "draw" and one["coupon"]["id"] == one["coupon_id"] for one in won)
    open_proof = (await mall.http.get(f"/v1/draws/{draw_id}/audit")).json()
    assert (open_proof["ok"], open_proof["outcomes"], open_proof["seed"]) == (True, False, None)
    await mall.http.post(f"/v1/draws/{draw_id}/close")
    view = await seen(mall, draw_id)
    assert (view["status"], view["seed_hash"]) == ("closed", before["seed_hash"])
    assert hashlib.sha256(bytes.fromhex(view["seed"])).hexdigest() == before["seed_hash"]
    listed = (await mall.http.get(f"/v1/draws/{draw_id}/tickets?limit=100")).json()["data"]
    chain, left = view["seed_hash"], 8
    for one in listed:
        assert one["drawn"] == recomputed(view, one)
        given = (one["prize"], one["reason"])
        assert given == ((1, "ran_out") if one["drawn"] == 0 and left == 0 else (one["drawn"], None))
        left -= one["prize"] == 0
        fields = [one[name] for name in ("number", "customer_id", "drawn", "prize", "reason", "coupon_id")]
        text = json.dumps([chain, *fields], ensure_ascii=False, separators=(",", ":"))
        chain = hashlib.sha256(text.encode()).hexdigest()
        assert one["chain"] == chain
    counts = Counter(one["prize"] for one in listed)
    assert [prize["awarded"] for prize in view["prizes"]] == [counts[0], counts[1]]
    proof = (await mall.http.get(f"/v1/draws/{draw_id}/audit")).json()
    assert (proof["ok"], proof["outcomes"], proof["tickets"], proof["mismatches"]) == (True, True, 40, [])
    assert (await ticket(mall, draw_id)).json()["code"] == "draw_closed"
    assert await mall.audit() == {}


async def test_what_was_changed_afterwards_is_named(mall: Mall) -> None:
    draw_id = await draw(mall, [{"name": "all", "odds_bp": 10_000}])
    for _ in range(3):
        await ticket(mall, draw_id)
    await mall.http.post(f"/v1/draws/{draw_id}/close")
    async with mall.running.service.kit.db.write() as tx:
        await tx.execute(update(DrawTicket.table).where(DrawTicket.c.number == 2).values(customer_id="friend"))
    proof = (await mall.http.get(f"/v1/draws/{draw_id}/audit")).json()
    assert proof["ok"] is False
    assert {one["number"] for one in proof["mismatches"]} == {2}


async def test_the_same_reference_is_the_same_ticket(mall: Mall) -> None:
    draw_id = await draw(mall, [{"name": "c", "template_id": await mall.template(), "odds_bp": 10_000}])
    answers = await asyncio.gather(*[ticket(mall, draw_id, ticket_ref="order-1") for _ in range(12)])
    assert len({answer.text for answer in answers}) == 1
    assert answers[0].json()["coupon"]["customer_id"] == "c1"
    other = await ticket(mall, draw_id, "c2", ticket_ref="order-1")
    assert (other.status_code, other.json()["code"]) == (409, "ticket_ref_taken")
    assert (await seen(mall, draw_id))["tickets"] == 1
    assert await mall.audit() == {}


async def test_limits_of_tickets_are_exact(mall: Mall, clock: ManualClock) -> None:
    draw_id = await draw(mall, [{"name": "x", "odds_bp": 0}], limits={"per_customer": 5, "per_day": 3})
    racers = await asyncio.gather(*[ticket(mall, draw_id) for _ in range(12)])
    assert Counter(answer.status_code for answer in racers) == {201: 3, 409: 9}
    refused = next(answer.json() for answer in racers if answer.status_code == 409)
    assert (refused["code"], refused["retry_at"]) == ("day_limit_reached", "2026-11-11T16:00:00Z")
    clock.advance(seconds=15 * 3600)
    racers = await asyncio.gather(*[ticket(mall, draw_id) for _ in range(6)])
    assert Counter(answer.json().get("code") for answer in racers) == {None: 2, "ticket_limit_reached": 4}
    assert (await ticket(mall, draw_id, "c2")).json()["number"] == 6
    clock.advance(seconds=86_400)
    assert (await ticket(mall, draw_id, "c3")).json()["code"] == "draw_ended"
    early = await draw(
        mall,
        [{"name": "x", "odds_bp": 0}],
        window={**WINDOW, "from": "2026-11-20T00:00:00Z", "until": "2026-11-21T00:00:00Z"},
    )
    assert (await ticket(mall, early)).json()["code"] == "draw_not_started"


async def test_a_coupon_that_its_template_refuses_is_as_good_as_gone(mall: Mall) -> None:
    once = await mall.template(limits={"per_customer": 1})
    prizes: list[Json] = [
        {"name": "once", "template_id": once, "odds_bp": 10_000, "quantity": 9, "fallback": "other"},
        {"name": "other", "template_id": await mall.template(), "odds_bp": 0, "quantity": 1},
    ]
    draw_id = await draw(mall, prizes)
    given = [(await ticket(mall, draw_id)).json() for _ in range(3)]
    assert [(one["drawn"], one["prize"], one["reason"]) for one in given] == [
        (0, 0, None),
        (0, 1, "claim_limit_reached"),
        (0, None, "claim_limit_reached"),
    ]
    assert [prize["awarded"] for prize in (await seen(mall, draw_id))["prizes"]] == [1, 1]
    await mall.http.post(f"/v1/draws/{draw_id}/close")
    assert (await mall.http.get(f"/v1/draws/{draw_id}/audit")).json()["ok"] is True
    assert await mall.audit() == {}


async def test_the_seed_of_an_open_draw_is_in_no_answer_and_no_log(
    mall: Mall, capfd: pytest.CaptureFixture[str]
) -> None:
    draw_id = await draw(mall, [{"name": "x", "odds_bp": 5000}])
    answers = [
        await ticket(mall, draw_id),
        *[await mall.http.get(f"/v1/draws{path}") for path in ("", f"/{draw_id}", f"/{draw_id}/tickets")],
        await mall.http.get(f"/v1/draws/{draw_id}/audit"),
    ]
    await mall.http.post(f"/v1/draws/{draw_id}/close")
    seed = (await seen(mall, draw_id))["seed"]
    assert all(answer.status_code < 300 and seed not in answer.text for answer in answers)
    written = capfd.readouterr()
    assert seed not in written.out + written.err


async def test_shoppers_see_their_own_tickets(mall: Mall) -> None:
    draw_id = await draw(mall, [{"name": "x", "odds_bp": 5000}])
    await ticket(mall, draw_id, "c1")
    await ticket(mall, draw_id, "c2")
    shopper = mall.running.client(customer_id="c1")
    assert [one["number"] for one in (await shopper.get(f"/v1/draws/{draw_id}/tickets")).json()["data"]] == [1]
    assert (await shopper.get(f"/v1/draws/{draw_id}/tickets/1")).status_code == 200
    assert (await shopper.get(f"/v1/draws/{draw_id}/tickets/2")).status_code == 404
    assert (await shopper.get(f"/v1/draws/{draw_id}/tickets?customer_id=c2")).status_code == 404
    assert (await mall.http.get("/v1/draws?status=open")).json()["data"][0]["id"] == draw_id


@pytest.mark.parametrize(
    "change",
    [
        {"prizes": [{"name": "a", "odds_bp": 6000}, {"name": "b", "odds_bp": 4001}]},
        {"prizes": [{"name": "a", "odds_bp": 1}, {"name": "a", "odds_bp": 1}]},
        {"prizes": [{"name": "a", "odds_bp": 1, "fallback": "a"}]},
        {"prizes": [{"name": "a", "odds_bp": 1, "fallback": "z"}]},
        {"prizes": [{"name": "a", "odds_bp": 1, "template_id": "tpl_x"}]},
        {"limits": {}},
        {"window": {"from": WINDOW["until"], "until": WINDOW["from"]}},
    ],
)
async def test_a_draw_that_can_not_be_is_refused(mall: Mall, change: Json) -> None:
    body = {"name": "x", "window": WINDOW, "prizes": [{"name": "a", "odds_bp": 1}], "limits": {"per_day": 1}, **change}
    assert (await mall.http.post("/v1/draws", json=body)).json()["code"] == "validation_failed"
