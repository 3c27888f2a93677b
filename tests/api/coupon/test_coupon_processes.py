"""Several processes on one PostgreSQL: limits stay exact, one coupon has one holder."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from api.coupon.mall import Mall
from api.coupon.test_coupon_abuse import claim as claim_from
from api.coupon.tillkit import Till, show
from conftest import Backend
from kit.services import INTERNAL_SECRET, Recorder, RunningService
from pydantic import SecretStr

from services.coupon.app import create_service
from services.coupon.settings import CouponSettings
from shared.clock import ManualClock
from shared.db import Database
from shared.messaging import LocalBus

pytestmark = pytest.mark.parametrize("backend", ["postgresql"], indirect=True)


@pytest.fixture
async def malls(backend: Backend, clock: ManualClock) -> AsyncIterator[list[Mall]]:
    """Three instances of the service, as three processes would be: nothing shared but the database."""
    async with AsyncExitStack() as stack:
        found = []
        for number in range(3):
            bus = LocalBus(Database(f"sqlite:///{backend.data_dir}/bus{number}.db", schema="bus"), clock)
            await bus.start()
            stack.push_async_callback(bus.stop)
            settings = CouponSettings(
                database_url=backend.database_url,
                data_dir=backend.data_dir,
                internal_secret=SecretStr(INTERNAL_SECRET),
                job_chunk_size=7,
                database_connections=4,  # three of them share a server with other tests
            )
            service = create_service(settings, bus, clock)
            await stack.enter_async_context(service.running())
            found.append(Mall(RunningService(service, bus, clock, Recorder())))
            stack.push_async_callback(found[-1].running.close)
        yield found


@pytest.mark.parametrize(
    ("limit", "code"),
    [({"total": 45}, "sold_out"), ({"per_day": 45}, "day_limit_reached"), ({"budget": 45_999}, "budget_exhausted")],
)
async def test_limits_are_exact_over_processes(malls: list[Mall], limit: dict[str, int], code: str) -> None:
    template_id = await malls[0].template(1000, limits={**limit, "per_customer": 2})
    calls = [malls[number % 3].try_claim(template_id, f"{number % 3}-{number // 3 % 30}") for number in range(240)]
    answers = await asyncio.gather(*calls)
    granted = Counter(answer.json()["customer_id"] for answer in answers if answer.status_code == 201)
    assert sum(granted.values()) == 45
    assert max(granted.values()) <= 2
    refused = {(answer.status_code, answer.json()["code"]) for answer in answers if answer.status_code != 201}
    assert (409, code) in refused <= {(409, code), (409, "claim_limit_reached")}
    assert await malls[1].audit() == {}


async def test_one_customer_at_three_processes_claims_once(malls: list[Mall]) -> None:
    template_id = await malls[0].template(limits={"per_customer": 1})
    answers = await asyncio.gather(*[malls[number % 3].try_claim(template_id) for number in range(51)])
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 50}


async def test_one_coupon_has_one_holder_and_one_end(malls: list[Mall]) -> None:
    coupon_id = await malls[0].claim(await malls[0].template(limits={"budget": 9000}))
    cart = malls[0].cart(coupons=[coupon_id])
    answers = await asyncio.gather(*[malls[number % 3].try_checkout(f"o{number}", cart) for number in range(12)])
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 11}
    checkout_id = next(answer.json()["id"] for answer in answers if answer.status_code == 201)
    ends = [malls[number % 3].end(checkout_id, ["commit", "rollback"][number % 2]) for number in range(12)]
    assert Counter(answer.status_code for answer in await asyncio.gather(*ends)) == {200: 6, 409: 6}
    assert await malls[2].audit() == {}


async def test_the_same_order_at_three_processes_gets_one_checkout(malls: list[Mall]) -> None:
    await malls[0].claim(await malls[0].template())
    answers = await asyncio.gather(*[malls[number % 3].try_checkout("o1") for number in range(9)])
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert await malls[0].audit() == {}


async def test_sweepers_orders_and_claims_do_not_block_each_other(malls: list[Mall], clock: ManualClock) -> None:
    """Locks are taken in one order everywhere: nothing deadlocks, nothing is done twice."""
    template_id = await malls[0].template(1000, validity={"days_after_claim": 1}, limits={"budget": 10**6})
    customers = [f"c{number}" for number in range(12)]
    for customer in customers:
        await malls[0].claim(template_id, customer)
    checkouts = [
        await malls[0].checkout(f"o{customer}", {**malls[0].cart(), "customer_id": customer}, ttl_seconds=60)
        for customer in customers[:8]
    ]
    clock.advance(seconds=61)
    again = [
        malls[number % 3].try_checkout(f"p{customer}", {**malls[0].cart(), "customer_id": customer})
        for number, customer in enumerate(customers)
    ]
    ends = [malls[number % 3].end(one["id"], "commit") for number, one in enumerate(checkouts)]
    claims = [malls[number % 3].try_claim(template_id, f"n{number}") for number in range(9)]
    answers = await asyncio.gather(*again, *ends, *claims, *[mall.running.tick() for mall in malls])
    assert [answer.text for answer in answers if answer is not None and answer.status_code not in {200, 201, 409}] == []
    clock.advance(seconds=90_000)
    await asyncio.gather(*[mall.running.tick() for mall in malls])
    assert await malls[0].audit() == {}


async def test_a_job_is_worked_off_once_by_all(malls: list[Mall]) -> None:
    template_id = await malls[0].template(limits={"total": 50})
    body = {"customer_ids": [f"c{number}" for number in range(60)], "reason": "x"}
    job = (await malls[0].http.post(f"/v1/coupon-templates/{template_id}/issues", json=body)).json()
    for _ in range(10):
        await asyncio.gather(*[mall.running.tick() for mall in malls])
    done = await malls[1].finished(job["id"])
    assert (done["issued"], done["refused"]) == (50, 10)
    assert (await malls[2].seen(template_id))["issued"] == 50
    assert await malls[2].audit() == {}


async def test_a_token_of_one_process_is_redeemed_once_by_all(malls: list[Mall]) -> None:
    """They share the signing key, made by whichever was first; fifty tills, one redemption."""
    coupons = await asyncio.gather(*[malls[number].claim(await malls[0].template()) for number in range(3)])
    shown = await asyncio.gather(*[show(malls[number], one) for number, one in enumerate(coupons)])
    sets = [(await mall.http.get("/v1/redemption-keys")).json() for mall in malls]
    assert sets[0] == sets[1] == sets[2]
    assert len(sets[0]["keys"]) == 1
    tills = [Till(mall) for mall in malls]
    calls = [tills[number % 3].redeem(f"r{number}", token=shown[0]["token"]) for number in range(50)]
    assert Counter(answer.status_code for answer in await asyncio.gather(*calls)) == {201: 1, 409: 49}
    same = await asyncio.gather(*[tills[number % 3].redeem("same", token=shown[1]["token"]) for number in range(9)])
    assert len({answer.json()["id"] for answer in same}) == 1
    assert await malls[0].audit() == {}


async def test_guesses_count_at_every_process(malls: list[Mall]) -> None:
    shown = await show(malls[0], await malls[0].claim(await malls[0].template()))
    tills = [Till(mall) for mall in malls]
    looked_at: Counter[str] = Counter()
    for _ in range(4):
        guesses = [tills[number % 3].redeem(short_code="000000000") for number in range(15)]
        looked_at.update(answer.json()["code"] for answer in await asyncio.gather(*guesses))
    assert looked_at.keys() == {"token_unknown", "too_many_attempts"}
    assert looked_at["token_unknown"] <= 30
    assert looked_at["too_many_attempts"] >= 30
    for till in tills:
        assert (await till.redeem(short_code=shown["short_code"])).json()["code"] == "too_many_attempts"


async def test_velocity_is_exact_and_denials_spread_over_processes(malls: list[Mall]) -> None:
    rule = {"subject": "device", "action": "claim", "limit": 5, "window_seconds": 60}
    await malls[0].http.post("/v1/abuse/rules", json=rule)
    await asyncio.gather(*[mall.running.tick() for mall in malls])
    templates = [await malls[0].template() for _ in range(3)]
    answers = await asyncio.gather(
        *[claim_from(malls[number % 3], templates[number % 2], f"c{number}", device="d1") for number in range(30)]
    )
    assert Counter(answer.status_code for answer in answers) == {201: 5, 429: 25}
    await malls[1].http.post("/v1/abuse/denials", json={"subject": "customer", "value": "bad", "reason": "x"})
    await asyncio.gather(*[mall.running.tick() for mall in malls])
    assert {(await mall.try_claim(templates[2], "bad")).json()["code"] for mall in malls} == {"not_eligible"}
    assert await malls[2].audit() == {}


async def test_promotions_are_exact_over_processes(malls: list[Mall]) -> None:
    """Budgets and totals of promotions, and a budget on redemption, whoever orders where."""
    spent = await malls[0].promotion(1_000, limits={"budget": 5_500}, stacking={"group": "g"})
    counted = await malls[0].promotion(900, limits={"total": 4}, stacking={"group": "g"})
    carts = [{**malls[0].cart(), "customer_id": f"c{number}"} for number in range(18)]
    calls = [malls[number % 3].checkout(f"o{number}", cart) for number, cart in enumerate(carts)]
    made = await asyncio.gather(*calls)
    assert Counter(one["quote"]["discount"] for one in made) == {1_000: 5, 900: 4, 0: 9}
    ends = [malls[number % 3].end(one["id"], ["commit", "rollback"][number % 2]) for number, one in enumerate(made)]
    assert {answer.status_code for answer in await asyncio.gather(*ends)} == {200}
    for promotion_id in (spent, counted):
        found = (await malls[1].http.get(f"/v1/promotions/{promotion_id}")).json()
        kept = [one for number, one in enumerate(made) if number % 2 == 0 for use in one["promotions"]]
        assert found["issued"] == sum(use["promotion_id"] == promotion_id for one in kept for use in one["promotions"])
    assert await malls[2].audit() == {}


async def test_one_order_is_ended_refunded_and_completed_by_all_at_once(malls: list[Mall]) -> None:
    """Commit, roll back, extend, refund and complete the same checkout everywhere: no deadlock, no unit twice."""
    await malls[0].claim(await malls[0].template(1_000, limits={"budget": 9_000, "budget_on": "redemption"}))
    await malls[0].promotion(benefit={"kind": "cash_back", "percent_bp": 1000}, limits={"budget": 9_000})
    checkout = await malls[0].checkout("o1", malls[0].cart(2_000, 4))
    part = {"lines": [{"line_id": "1", "quantity": 1}]}
    calls = [
        call
        for mall in malls
        for call in (
            mall.end(checkout["id"], "commit"),
            mall.extend(checkout["id"], 60),
            mall.try_refund(checkout["id"], **part),
            mall.complete(checkout["id"]),
            mall.try_refund(checkout["id"], **part),
        )
    ]
    answers = await asyncio.gather(*calls)
    assert {answer.status_code for answer in answers} <= {200, 201, 409}
    assert (await malls[0].end(checkout["id"], "commit")).status_code == 200
    refunds = [await mall.try_refund(checkout["id"]) for mall in malls]
    refunds = [*[answer for answer in answers if answer.status_code == 201], *refunds]
    amounts = {one.json()["id"]: one.json()["amount"] for one in refunds if one.status_code == 201}
    assert sum(amounts.values()) == checkout["quote"]["total"]
    assert await malls[1].audit() == {}
