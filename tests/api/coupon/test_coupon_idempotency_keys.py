"""The header itself: one key, of a shape that everybody reads alike, on hot routes and on ordinary ones."""

from typing import Any

import httpx
import pytest
from api.coupon.mall import Mall

Given = list[tuple[str, str]]


async def _ordinary(mall: Mall, headers: Given) -> httpx.Response:
    body = {"name": "x", "benefit": {"kind": "amount_off", "amount": 1}, "validity": {"days_after_claim": 1}}
    return await mall.http.post("/v1/coupon-templates", json=body, headers=headers)


async def _hot(mall: Mall, headers: Given) -> httpx.Response:
    template_id = (await mall.http.get("/v1/coupon-templates?limit=1")).json()["data"][0]["id"]
    return await mall.http.post(
        f"/v1/coupon-templates/{template_id}/claims", json={"customer_id": "c1"}, headers=headers
    )


@pytest.fixture(params=[_ordinary, _hot], ids=["ordinary", "hot"])
async def call(request: pytest.FixtureRequest, mall: Mall) -> Any:
    await mall.template()

    async def send(*values: str) -> httpx.Response:
        answer: httpx.Response = await request.param(mall, [("Idempotency-Key", value) for value in values])
        return answer

    return send


@pytest.mark.parametrize("values", [("a", "b"), ("a", "a"), ('"a"', "a"), ('"a", "b"',)])
async def test_two_keys_are_refused_even_when_they_are_equal(call: Any, values: tuple[str, ...]) -> None:
    refused = await call(*values)
    assert (refused.status_code, refused.json()["code"]) == (400, "two_idempotency_keys")
    assert refused.json()["request_id"] == refused.headers["x-request-id"]
    assert (await call("a")).status_code == 201, "the refused call used no key up"


@pytest.mark.parametrize("value", ["", '""', "k" * 256, '"' + "k" * 256 + '"', "a\x01b", "a\x7fb", "a\tb"])
async def test_a_key_that_cannot_be_read_is_refused(call: Any, value: str) -> None:
    refused = await call(value)
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_idempotency_key")
    assert "1 to 255" in refused.json()["detail"]


async def test_the_longest_key_is_the_same_with_quotes_and_without(call: Any) -> None:
    key = "k" * 255
    first, again = await call(key), await call(f'"{key}"')
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["idempotent-replayed"] == "true"
    assert first.content == again.content
