"""Tills of shops, and the tokens that customers show them."""

import base64
from typing import Any

import httpx
from api.coupon.mall import Json, Mall

STAFF = ("coupon:redemptions:*",)


class Till:
    """A till of one shop, with its staff key."""

    def __init__(self, mall: Mall, shop_id: str | None = "shopA", kind: Any = "restricted") -> None:
        self.http = mall.running.client(STAFF, shop_id=shop_id, kind=kind)

    async def redeem(self, order_ref: str = "r1", **body: Any) -> httpx.Response:
        return await self.http.post("/v1/redemptions", json={"order_ref": order_ref, **body})

    async def settle(self, *items: Json) -> list[Json]:
        answer = await self.http.post("/v1/redemptions/settlements", json={"redemptions": items})
        assert answer.status_code == 200, answer.text
        found: list[Json] = answer.json()["results"]
        return found


async def show(mall: Mall, coupon_id: str) -> Json:
    answer = await mall.http.post("/v1/redemption-tokens", json={"coupon_id": coupon_id})
    assert answer.status_code == 201, answer.text
    found: Json = answer.json()
    return found


def code_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def part_of(token: str, number: int) -> bytes:
    part = token.split(".")[number]
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
