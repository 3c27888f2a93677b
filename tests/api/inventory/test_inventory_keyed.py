"""Reserving and confirming with an Idempotency-Key: in the batch with all others, one effect, the first answer again."""

import asyncio
from typing import Any

import httpx
from api.inventory.shopkit import Shop, figures


async def post(shop: Shop, path: str, body: dict[str, Any], key: str) -> httpx.Response:
    return await shop.client.post(f"/v1/reservations{path}", json=body, headers={"Idempotency-Key": key})


def order(number: int, units: int = 1) -> dict[str, Any]:
    return {"order_id": f"o{number}", "channel": "app", "lines": [{"sku": "a", "quantity": units}]}


async def test_reservations_with_keys_come_together(shop: Shop) -> None:
    await shop.receive("a", 20)
    answers = await asyncio.gather(*[post(shop, "", order(n % 10), f"k{n % 10}") for n in range(40)])
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 10
    assert sum("idempotent-replayed" in answer.headers for answer in answers) == 30
    assert figures(await shop.level("a")) == (20, 10, 10, 0)
    other = await post(shop, "", order(1, 2), "k1")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    await shop.prove()


async def test_a_shortage_is_not_kept_under_the_key(shop: Shop) -> None:
    await shop.receive("a", 1)
    short = await post(shop, "", order(1, 2), "k")
    assert (short.status_code, short.json()["code"]) == (409, "insufficient_stock")
    await shop.receive("a", 1)
    held = await post(shop, "", order(1, 2), "k")
    assert (held.status_code, "idempotent-replayed" in held.headers) == (201, False)


async def test_confirming_and_releasing_with_a_key_answer_again_what_they_answered(shop: Shop) -> None:
    await shop.receive("a", 4)
    for step in ("confirm", "release"):
        held = await shop.held(f"o-{step}", ("a", 2))
        body = {"lines": [{"sku": "a", "quantity": 1}]}
        answers = [await post(shop, f"/{held['id']}/{step}", body, step) for _ in range(2)]
        assert {answer.status_code for answer in answers} == {200}, answers[0].text
        assert answers[0].content == answers[1].content
        assert ["idempotent-replayed" in answer.headers for answer in answers] == [False, True]
    await shop.prove()
