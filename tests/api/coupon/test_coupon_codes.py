"""Codes over HTTP: batches, downloads, redeeming, public codes, and how little a wrong code learns."""

import asyncio
import io
from collections import Counter
from typing import Any
from zipfile import ZipFile

from api.coupon.mall import Json, Mall

from services.coupon.code_format import check_character, well_formed
from services.coupon.codes.resolving import Peeked, Resolving
from shared.clock import ManualClock
from shared.web import Problem


async def batch(mall: Mall, template_id: str, count: int = 3, **more: Any) -> tuple[str, list[str]]:
    """A finished batch and its codes."""
    path = f"/v1/coupon-templates/{template_id}/codes"
    answer = await mall.http.post(path, json={"count": count, **more})
    assert answer.status_code == 202, answer.text
    batch_id = answer.json()["id"]
    for _ in range(200):
        await mall.running.tick()
        if (await seen(mall, batch_id))["status"] == "done":
            break
        await asyncio.sleep(0.01)
    listed = (await mall.http.get(f"/v1/code-batches/{batch_id}/codes?limit=100")).json()
    return batch_id, [one["code"] for one in listed["data"]]


async def seen(mall: Mall, batch_id: str) -> Json:
    found: Json = (await mall.http.get(f"/v1/code-batches/{batch_id}")).json()
    return found


async def redeem(mall: Mall, code: str, customer_id: str = "c1") -> Any:
    return await mall.http.post("/v1/codes/redeem", json={"code": code, "customer_id": customer_id})


async def public(mall: Mall, template_id: str, code: str = "DOUBLE11", **more: Any) -> str:
    answer = await mall.http.post("/v1/public-codes", json={"code": code, "template_id": template_id, **more})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def wrong(code: str) -> str:
    """Another code whose check character is right."""
    body = ("2" if code[0] != "2" else "3") + code[1:-1]
    return body + check_character(body)


def mistype(code: str) -> str:
    return code[:-1] + ("2" if code[-1] != "2" else "3")


async def test_a_batch_has_exactly_its_codes_and_each_gives_one_coupon(mall: Mall) -> None:
    template_id = await mall.template(limits={"per_customer": 5})
    batch_id, codes = await batch(mall, template_id, 45, prefix="vp-2")
    assert len(set(codes)) == 45
    assert all(code.startswith("VP2") and well_formed(code) for code in codes)
    first = await redeem(mall, codes[0].lower()[:4] + " - " + codes[0][4:])
    assert first.status_code == 201
    assert first.json()["source"] == "code"
    assert (await redeem(mall, codes[0])).json() == first.json()  # again: the same coupon
    assert (await redeem(mall, codes[0], "c2")).json()["code"] == "coupon_invalid"
    view = await seen(mall, batch_id)
    assert (view["count"], view["made"], view["redeemed"], view["status"]) == (45, 45, 1, "done")
    used = (await mall.http.get(f"/v1/code-batches/{batch_id}/codes?redeemed=true")).json()["data"]
    assert [(one["code"], one["coupon_id"]) for one in used] == [(codes[0], first.json()["id"])]
    told = await mall.told("coupon.issued")
    assert [one["reference"] for one in told] == [f"{batch_id}:1"]
    listed = (await mall.http.get(f"/v1/code-batches?template_id={template_id}&status=done")).json()
    assert listed["data"] == [view]
    assert await mall.audit() == {}


async def test_whatever_is_wrong_with_a_code_the_answer_is_the_same(mall: Mall, clock: ManualClock) -> None:
    template_id = await mall.template()
    _, (used, free, short) = await batch(mall, template_id, valid_until="2026-11-12T00:00:00Z")
    voided, (dead,) = await batch(mall, template_id, 1)
    sold_out, paused = await mall.template(limits={"total": 0}), await mall.template(status="paused")
    _, (late,) = await batch(mall, sold_out, 1)
    _, (asleep,) = await batch(mall, paused, 1)
    await public(mall, template_id, "PAUSED", status="paused")
    await public(mall, template_id, "SOON", valid_from="2026-12-01T00:00:00Z")
    await redeem(mall, used, "owner")
    assert (await mall.http.post(f"/v1/code-batches/{voided}/void")).json()["status"] == "voided"
    tried = ["x", "双", wrong(free), mistype(free), used, dead, late, asleep]
    tried += ["PAUSED", "soon", "\u200b"]
    answers = [await redeem(mall, code, f"guesser{number}") for number, code in enumerate(tried)]
    clock.advance(seconds=86_400)
    answers.append(await redeem(mall, short))
    bodies = {answer.text.replace(answer.json()["request_id"], "") for answer in answers}
    assert len(bodies) == 1
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(422, "coupon_invalid")}
    assert await mall.audit() == {}


async def test_who_has_a_valid_code_learns_about_herself_and_keeps_it(mall: Mall) -> None:
    template_id = await mall.template(limits={"per_customer": 1})
    _, codes = await batch(mall, template_id)
    await redeem(mall, codes[0])
    refused = await redeem(mall, codes[1])
    assert (refused.status_code, refused.json()["code"]) == (409, "claim_limit_reached")
    assert (await redeem(mall, codes[1], "c2")).status_code == 201
    soon = await mall.template(validity={"from": "2026-12-01T00:00:00Z"})
    _, (early,) = await batch(mall, soon, 1)
    answer = await redeem(mall, early, "c3")
    assert (answer.status_code, answer.json()["code"]) == (409, "not_started")
    assert answer.json()["starts_at"] == "2026-12-01T00:00:00Z"


async def test_a_hundred_racers_for_one_code_get_one_coupon(mall: Mall) -> None:
    template_id = await mall.template()
    _, (code, other, _) = await batch(mall, template_id)
    racers = [redeem(mall, code, f"c{number}") for number in range(100)]
    same = [redeem(mall, other, "one") for _ in range(9)]
    answers = await asyncio.gather(*racers, *same)
    assert Counter(answer.status_code for answer in answers[:100]) == {201: 1, 422: 99}
    assert len({answer.json()["id"] for answer in answers[100:]}) == 1
    assert (await mall.seen(template_id))["issued"] == 2
    assert await mall.audit() == {}


async def test_who_guesses_too_often_is_locked_out_whatever_comes_then(mall: Mall) -> None:
    template_id = await mall.template(limits={"per_customer": 2})
    _, (first, second, third) = await batch(mall, template_id)
    shopper = mall.running.client(customer_id="c1", kind="publishable")
    for number in range(10):
        key = {"Idempotency-Key": f"k{number}"} if number % 2 else {}
        body = {"code": f"GUESS{number}", "customer_id": "c1"}
        assert (await shopper.post("/v1/codes/redeem", json=body, headers=key)).status_code == 422
    for code in (first, "GUESS"):
        answer = await shopper.post("/v1/codes/redeem", json={"code": code, "customer_id": "c1"})
        assert (answer.status_code, answer.json()["code"]) == (429, "too_many_attempts")
    # Who has all the coupons they may have can't try codes without spending them, either.
    await redeem(mall, first, "c2")
    await redeem(mall, second, "c2")
    refused = [(await redeem(mall, third, "c2")).status_code for _ in range(11)]
    assert refused == [409] * 10 + [429]


async def test_a_public_code_reads_the_same_however_it_is_typed(mall: Mall) -> None:
    template_id = await mall.template()
    public_id = await public(mall, template_id, "Double-11", limits={"total": 3})
    first = await redeem(mall, "ｄｏｕｂｌｅ １１")
    assert first.status_code == 201, first.text
    assert (await redeem(mall, "DOUBLE11")).json()["id"] == first.json()["id"]
    racers = await asyncio.gather(*[redeem(mall, "double11", f"r{number}") for number in range(30)])
    assert Counter(answer.status_code for answer in racers) == {201: 2, 422: 28}
    view = (await mall.http.get(f"/v1/public-codes/{public_id}")).json()
    assert (view["used"], view["limits"], view["code"]) == (3, {"total": 3, "per_customer": 1}, "Double-11")
    taken = await mall.http.post("/v1/public-codes", json={"code": "DOUBLE 11", "template_id": template_id})
    assert (taken.status_code, taken.json()["code"]) == (409, "code_taken")
    assert await mall.audit() == {}


async def test_codes_of_every_language_are_found_and_are_one_with_what_reads_the_same(mall: Mall) -> None:
    template_id = await mall.template(limits={"per_customer": 50})
    same = [
        ("Şubat İndirimi", "şubat-ındırımı"),
        ("ลดราคา ๑๑", "ลดราคา11"),
        ("दिवाली", "दि\u200dवाली"),
        ("Straße", "STRASSE"),
    ]
    for number, (made, typed) in enumerate(same):
        public_id = await public(mall, template_id, made)
        assert (await mall.http.get(f"/v1/public-codes/{public_id}")).json()["code"] == made
        assert (await redeem(mall, typed, f"c{number}")).status_code == 201, typed
        taken = await mall.http.post("/v1/public-codes", json={"code": typed, "template_id": template_id})
        assert taken.json()["code"] == "code_taken"
    for wrong in ("กิ", "ab\u0301", "DOUBLЕ11", "\u093fक\u093fक\u093f", "🎉SALE", "a\u20ddbc"):  # a Cyrillic Е in Latin
        answer = await mall.http.post("/v1/public-codes", json={"code": wrong, "template_id": template_id})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "#/code"), wrong


async def test_a_public_code_may_be_used_again_when_the_first_coupon_is(mall: Mall) -> None:
    await public(mall, await mall.template(), limits={"per_customer": 2})
    first = (await redeem(mall, "DOUBLE11")).json()["id"]
    assert (await redeem(mall, "DOUBLE11")).json()["id"] == first
    order = await mall.checkout("o1", mall.cart(coupons=[first]))
    await mall.end(order["id"], "commit")
    second = (await redeem(mall, "DOUBLE11")).json()["id"]
    assert second != first
    await mall.http.post(f"/v1/coupons/{second}/void", json={"reason": "x"})
    last = (await redeem(mall, "DOUBLE11")).json()
    assert (last["id"], last["status"]) == (second, "voided")
    assert await mall.audit() == {}


async def test_a_quote_may_peek_and_changes_nothing(mall: Mall) -> None:
    template_id = await mall.template(limits={"per_customer": 1})
    _, (first, second, _) = await batch(mall, template_id)
    kit = mall.running.service.kit
    codes: Resolving = mall.running.service.app.state.provided[Resolving]
    async with kit.db.read() as tx:
        peeked = await codes.peek(tx, "c1", first.lower())
        unknown = await codes.peek(tx, "c1", wrong(first))
    assert isinstance(peeked, Peeked)
    assert peeked.lot is not None
    assert (peeked.coupon_id, peeked.lot.row.id) == (None, template_id)
    assert isinstance(unknown, Problem)
    assert unknown.code == "coupon_invalid"
    coupon_id = (await redeem(mall, first)).json()["id"]
    async with kit.db.read() as tx:
        assert await codes.peek(tx, "c1", first) == Peeked(coupon_id, None)
        reached = await codes.peek(tx, "c1", second)
    assert isinstance(reached, Problem)
    assert reached.code == "claim_limit_reached"


async def test_a_public_code_is_paused_and_changed(mall: Mall) -> None:
    public_id = await public(mall, await mall.template())
    path = f"/v1/public-codes/{public_id}"
    await redeem(mall, "DOUBLE11")
    assert (await mall.http.patch(path, json={"status": "paused"})).json()["status"] == "paused"
    assert (await redeem(mall, "DOUBLE11", "c2")).status_code == 422
    assert (await redeem(mall, "DOUBLE11")).status_code == 201  # theirs already
    for body, code in (
        ({"status": None}, "validation_failed"),
        ({"valid_from": "2026-12-01T00:00:00Z", "valid_until": "2026-11-01T00:00:00Z"}, "validation_failed"),
        ({"total": 3}, "validation_failed"),
    ):
        assert (await mall.http.patch(path, json=body)).json()["code"] == code
    await mall.http.patch(path, json={"status": "active", "limits": {"total": 1}})
    assert (await redeem(mall, "DOUBLE11", "c2")).status_code == 422
    assert (await mall.http.get("/v1/public-codes?status=active")).json()["data"][0]["id"] == public_id


async def test_staff_learn_the_truth_and_shoppers_do_not(mall: Mall) -> None:
    template_id = await mall.template()
    batch_id, (code, free, _) = await batch(mall, template_id)
    coupon_id = (await redeem(mall, code)).json()["id"]
    truth = (await mall.http.get(f"/v1/codes/{code}")).json()
    assert (truth["state"], truth["customer_id"], truth["coupon_id"]) == ("redeemed", "c1", coupon_id)
    assert (truth["batch_id"], truth["template_id"]) == (batch_id, template_id)
    await public(mall, template_id, status="paused")
    assert (await mall.http.get("/v1/codes/double 11")).json()["state"] == "paused"
    unknown = await mall.http.get(f"/v1/codes/{wrong(free)}")
    assert unknown.status_code == 404
    assert "check character is right" in unknown.json()["detail"]
    mistyped = await mall.http.get(f"/v1/codes/{mistype(free)}")
    assert mistyped.status_code == 404
    assert "mistyped" in mistyped.json()["detail"]
    shopper = mall.running.client(customer_id="c1")
    assert (await shopper.get(f"/v1/codes/{code}")).json()["code"] == "not_found"
    assert (await shopper.post("/v1/codes/redeem", json={"code": free, "customer_id": "c2"})).status_code == 404


async def test_a_batch_is_downloaded_for_excel(mall: Mall) -> None:
    batch_id, codes = await batch(mall, await mall.template(), 45)
    await redeem(mall, codes[1])
    plain = await mall.http.get(f"/v1/code-batches/{batch_id}/download")
    assert plain.content.startswith(b"\xef\xbb\xbf")
    rows = [line.split(",") for line in plain.content.decode("utf-8-sig").splitlines()]
    assert rows[0][1] == "兑换码 code"
    assert [row[1] for row in rows[1:]] == codes
    assert [row[2] for row in rows[1:4]] == ["usable", "redeemed", "usable"]
    sheet = await mall.http.get(f"/v1/code-batches/{batch_id}/download?format=xlsx")
    assert sheet.headers["content-type"].endswith("spreadsheetml.sheet")
    with ZipFile(io.BytesIO(sheet.content)) as book:
        inside = book.read("xl/worksheets/sheet1.xml").decode()
    assert all(code in inside for code in codes)


async def test_a_batch_that_is_made_is_not_downloaded_yet_and_a_voided_one_stops(mall: Mall) -> None:
    template_id = await mall.template()
    path = f"/v1/coupon-templates/{template_id}/codes"
    made = (await mall.http.post(path, json={"count": 1_000_000})).json()
    early = await mall.http.get(f"/v1/code-batches/{made['id']}/download")
    assert (early.status_code, early.json()["code"]) == (409, "batch_not_ready")
    view = (await mall.http.post(f"/v1/code-batches/{made['id']}/void")).json()
    assert view["status"] == "voided"
    assert view["made"] < 1_000_000
    await mall.running.tick()
    assert await seen(mall, made["id"]) == view
    assert await mall.audit() == {}
    for body in ({"count": 0}, {"count": 1_000_001}, {"count": 1, "prefix": "OIL"}, {"count": 1, "valid_until": "x"}):
        assert (await mall.http.post(path, json=body)).status_code == 422
    past = await mall.http.post(path, json={"count": 1, "valid_until": "2026-01-01T00:00:00Z"})
    assert past.json()["errors"][0]["code"] == "in_the_past"
    assert (await mall.http.post("/v1/coupon-templates/tpl_x/codes", json={"count": 1})).status_code == 404
