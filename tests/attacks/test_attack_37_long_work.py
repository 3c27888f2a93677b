"""Attack 37 within a part: the longest carts, previews and audits of one caller leave everybody else's small calls alone."""

import asyncio
import statistics
import time
from typing import Any

import pytest
from api.coupon.mall import Json, Mall
from conftest import RunService

from services.coupon.app import create_service
from services.coupon.audit import queries
from services.coupon.codes.download import Downloads
from services.coupon.settings import CouponSettings
from services.coupon.wallet import repository as wallet
from shared.audit import run_checks
from shared.db import Transaction
from shared.web import Paging

LINES = [{"line_id": str(n), "sku": f"s{n}", "quantity": 2, "unit_price": 500 + n} for n in range(500)]


@pytest.fixture
async def mall(run_service: RunService) -> Mall:
    found = Mall(await run_service(create_service, CouponSettings))
    for number in range(30):
        together = {"allow_zero_pay": True}  # all of these pay a whole order
        await found.claim(await found.template(100 + number, threshold={"amount": 1000 + 97 * number}, **together))
        await found.promotion(200 + number, threshold={"amount": 5000 + 131 * number}, **together)
    return found


async def latency(mall: Mall, while_running: "asyncio.Future[Any] | None" = None) -> float:
    """The median of small calls, in seconds: of fifty, or of as many as come while something runs."""
    took: list[float] = []
    while len(took) < 50 if while_running is None else not while_running.done():
        started = time.perf_counter()
        assert (await mall.http.get("/v1/coupon-templates", params={"limit": 1})).status_code == 200
        took.append(time.perf_counter() - started)
        await asyncio.sleep(0.002)
    return statistics.median(took)


async def test_attack_37_the_longest_carts_leave_small_calls_alone(mall: Mall) -> None:
    cart: Json = {"customer_id": "c1", "lines": LINES}
    peace = await latency(mall)
    quotes = asyncio.gather(*[mall.http.post("/v1/quotes", json=cart) for _ in range(4)])
    under_attack = await latency(mall, quotes)
    assert [one.status_code for one in await quotes] == [200] * 4
    assert under_attack <= 5 * peace + 0.25, f"{under_attack:.3f} s against {peace:.3f} s in peace"


async def test_attack_37_more_long_carts_than_may_wait_are_told_to_come_again(mall: Mall) -> None:
    cart: Json = {"customer_id": "c1", "lines": LINES[:100]}
    answers = await asyncio.gather(*[mall.http.post("/v1/quotes", json=cart) for _ in range(40)])
    counted = {one.status_code for one in answers}
    assert counted == {200, 503}
    refused = next(one for one in answers if one.status_code == 503)
    assert (refused.json()["code"], refused.headers["retry-after"]) == ("busy", "1")
    assert (await mall.http.post("/v1/quotes", json=mall.cart())).status_code == 200


async def test_attack_37_many_who_ask_for_the_audit_share_few_runs(mall: Mall, monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[Any] = []

    async def counted(*arguments: Any) -> Any:
        runs.append(arguments)
        return await run_checks(*arguments)

    monkeypatch.setattr(queries, "run_checks", counted)
    answers = await asyncio.gather(*[mall.http.get("/v1/audit/coupons") for _ in range(20)])
    assert all(one.json()["ok"] for one in answers)
    assert len(runs) <= 2


async def test_attack_37_one_partners_slow_lists_hold_up_neither_reads_nor_others_lists(
    mall: Mall, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = wallet.page

    async def slow(tx: Transaction, paging: Paging, *wanted: Any) -> Any:
        if paging.caller.owner_id == "own_b":
            await asyncio.sleep(0.05)  # a filter that looks through a whole table
        return await page(tx, paging, *wanted)

    monkeypatch.setattr(wallet, "page", slow)
    partner = mall.running.client(owner_id="own_b", kind="partner")
    template_id = await mall.template(threshold={"amount": 100_000})

    async def small_calls() -> float:
        """The slowest of some, in seconds: the first waits for a connection where there is none left."""
        took: list[float] = []
        for _ in range(20):
            for path in (f"/v1/coupon-templates/{template_id}", "/v1/coupons?customer_id=c1&limit=1"):
                started = time.perf_counter()
                assert (await mall.http.get(path)).status_code == 200
                took.append(time.perf_counter() - started)
        return max(took)

    peace = await small_calls()
    lists = [asyncio.create_task(partner.get("/v1/coupons")) for _ in range(300)]
    await asyncio.sleep(0.1)
    under_attack = await small_calls()
    done = [one.result().status_code for one in lists if one.done()]
    for one in lists:
        one.cancel()
    await asyncio.gather(*lists, return_exceptions=True)
    assert under_attack <= 5 * peace + 0.7, f"{under_attack:.3f} s against {peace:.3f} s in peace"
    assert set(done) == {200}, "the others wait their turn"


async def test_attack_37_one_sheet_is_built_at_a_time(mall: Mall, monkeypatch: pytest.MonkeyPatch) -> None:
    template_id = await mall.template(threshold={"amount": 100_000})
    batch = (await mall.http.post(f"/v1/coupon-templates/{template_id}/codes", json={"count": 200})).json()["id"]
    for _ in range(500):  # the part's own worker may have begun it
        await mall.running.tick()
        if (await mall.http.get(f"/v1/code-batches/{batch}")).json()["status"] == "done":
            break
        await asyncio.sleep(0.01)
    building, most, build = 0, 0, Downloads._build

    async def counted(*arguments: Any) -> None:
        nonlocal building, most
        building += 1
        most = max(most, building)
        await build(*arguments)
        building -= 1

    monkeypatch.setattr(Downloads, "_build", counted)
    path = f"/v1/code-batches/{batch}/download?format=xlsx"
    answers = await asyncio.gather(*[mall.http.get(path) for _ in range(4)])
    assert {one.status_code for one in answers} == {200}
    assert most == 1
