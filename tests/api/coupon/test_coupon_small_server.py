"""Sixty-four shoppers on a database that lets in few: they wait for each other, and nobody is sent away."""

import asyncio

import pytest
from api.coupon.mall import Mall
from conftest import Backend, RunService
from kit.small_server import few_connections

from services.coupon.app import create_service
from services.coupon.settings import CouponSettings

SHOPPERS = 64


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
async def test_a_crowd_gets_its_prices_from_a_server_with_few_connections(
    backend: Backend, run_service: RunService
) -> None:
    async with few_connections(backend.database_url or "", 3) as url:
        running = await run_service(create_service, CouponSettings, database_url=url, database_connections=8)
        mall = Mall(running)
        await mall.promotion(500)
        template_id = await mall.template(1000)
        calls = [
            *(mall.http.post("/v1/quotes", json={**mall.cart(), "customer_id": f"c{n}"}) for n in range(SHOPPERS)),
            *(mall.try_claim(template_id, f"c{number}") for number in range(SHOPPERS)),
            mall.http.get("/v1/audit/coupons"),
        ]
        answers = await asyncio.gather(*calls)
        assert {answer.status_code for answer in answers} == {200, 201}
        await running.service.kit.db.close()
