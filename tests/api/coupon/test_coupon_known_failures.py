"""Failures of earlier systems at giving coupons out, each as a test of its own; the docstrings say where it was seen."""

import asyncio
from collections import Counter

from api.coupon.mall import Mall
from sqlalchemy import update

from services.coupon.templates.models import Template
from shared.clock import ManualClock


async def claims(mall: Mall, template_id: str, customers: list[str]) -> Counter[str]:
    answers = await asyncio.gather(*[mall.try_claim(template_id, one) for one in customers])
    return Counter(
        answer.json().get("code", "granted") if answer.status_code != 201 else "granted" for answer in answers
    )


async def test_lost_update_leaves_the_counter_too_low(mall: Mall) -> None:
    """WooCommerce 13505, mall, CRMEB: two read the counter, both add one, one of them is forgotten."""
    template_id = await mall.template()
    assert await claims(mall, template_id, [f"c{number}" for number in range(60)]) == {"granted": 60}
    assert (await mall.seen(template_id))["issued"] == 60
    assert await mall.audit() == {}


async def test_check_then_count_then_insert_lets_too_many_in(mall: Mall) -> None:
    """Vendure 4660, Saleor 15855, nopCommerce 6487: all see the last one free before anybody has taken it."""
    template_id = await mall.template(limits={"total": 1})
    found = await claims(mall, template_id, [f"c{number}" for number in range(40)])
    assert found == {"granted": 1, "sold_out": 39}


async def test_a_guard_of_taken_under_total_adds_n(mall: Mall) -> None:
    """yudao: 99 of 100 are issued, the guard `taken < total` holds, and a batch of 50 goes in whole."""
    template_id = await mall.template(limits={"total": 100})
    path = f"/v1/coupon-templates/{template_id}/issues"
    first = await mall.http.post(path, json={"customer_ids": [f"c{one}" for one in range(99)], "reason": "x"})
    assert (await mall.finished(first.json()["id"]))["issued"] == 99
    batch = await mall.http.post(path, json={"customer_ids": [f"d{one}" for one in range(50)], "reason": "x"})
    done = await mall.finished(batch.json()["id"])
    assert (done["issued"], done["refused_by"]) == (1, {"sold_out": 49})
    assert await mall.audit() == {}


async def test_clicking_fast_multiplies_rewards(mall: Mall) -> None:
    """yudao, CDKey 3: the limit per user is read, then the row is inserted; the fix was in the front end only."""
    template_id = await mall.template(limits={"per_customer": 2})
    assert await claims(mall, template_id, ["c1"] * 30) == {"granted": 2, "claim_limit_reached": 28}


async def test_issue_stops_at_half_the_stock(mall: Mall) -> None:
    """newbee-mall-plus: what was issued is counted against a total that shrinks with every issue."""
    template_id = await mall.template(limits={"total": 40})
    assert await claims(mall, template_id, [f"c{number}" for number in range(20)]) == {"granted": 20}
    assert await claims(mall, template_id, [f"d{number}" for number in range(20)]) == {"granted": 20}
    assert (await mall.seen(template_id))["remaining"] == 0


async def test_stock_taken_before_the_time_check_is_lost(mall: Mall, clock: ManualClock) -> None:
    """newbee-mall-plus: a claim outside the window takes one and never puts it back."""
    window = {"from": "2026-11-11T03:00:00Z", "until": "2026-11-11T04:00:00Z"}
    template_id = await mall.template(1000, validity=window, limits={"total": 3, "budget": 3000, "per_day": 3})
    assert await claims(mall, template_id, ["a", "b", "c"]) == {"not_started": 3}
    clock.advance(seconds=3600)
    assert await claims(mall, template_id, ["a", "b", "c", "d"]) == {"granted": 3, "sold_out": 1}
    clock.advance(seconds=3600)
    assert await claims(mall, template_id, ["e"]) == {"ended": 1}
    assert (await mall.seen(template_id))["issued"] == 3
    assert await mall.audit() == {}


async def test_a_budget_reverted_without_a_lock_drifts(mall: Mall, clock: ManualClock) -> None:
    """Medusa 16012, 16595: the budget is registered under a lock and given back without; here both move with the row."""
    template_id = await mall.template(1000, validity={"days_after_claim": 1}, limits={"budget": 30_000})
    first = [await mall.claim(template_id, f"c{number}") for number in range(10)]
    more = asyncio.create_task(claims(mall, template_id, [f"d{number}" for number in range(40)]))
    voids = [mall.http.post(f"/v1/coupons/{one}/void", json={"reason": "x"}) for one in first for _ in range(2)]
    await asyncio.gather(*voids)
    granted = await more
    assert 20 <= granted["granted"] <= 30
    assert (await mall.seen(template_id))["budget_spent"] == granted["granted"] * 1000
    assert await mall.audit() == {}


async def test_the_database_refuses_what_a_program_forgets(mall: Mall) -> None:
    """Where everything else failed, the CHECK stands: no statement can pass a total."""
    template_id = await mall.template(limits={"total": 1})
    await mall.claim(template_id)
    db = mall.running.service.kit.db
    try:
        async with db.write() as tx:
            await tx.execute(
                update(Template.table).where(Template.c.id == template_id).values(issued=Template.c.issued + 1)
            )
    except Exception as error:
        assert "within_total" in str(error)  # noqa: PT017 - either driver's own error
    else:
        raise AssertionError("it was written")


async def test_days_and_hours_turn_at_the_offers_own_midnight(mall: Mall, clock: ManualClock) -> None:
    """A day of the offer's own zone, not of the server's or the merchant's: 23:59:59 is today, 00:00:00 is not."""
    shanghai = await mall.template(limits={"per_day": 1})
    new_york = await mall.template(limits={"per_day": 1}, validity={"time_zone": "America/New_York"})
    for template_id in (shanghai, new_york):
        assert await claims(mall, template_id, ["a", "b"]) == {"granted": 1, "day_limit_reached": 1}
    clock.advance(seconds=3 * 3600 - 1)  # 23:59:59 in New York; in Shanghai still the afternoon
    assert await claims(mall, new_york, ["c"]) == {"day_limit_reached": 1}
    clock.advance(seconds=1)
    assert await claims(mall, new_york, ["c"]) == {"granted": 1}
    assert await claims(mall, shanghai, ["c"]) == {"day_limit_reached": 1}
    clock.advance(seconds=11 * 3600)  # midnight in Shanghai
    assert await claims(mall, shanghai, ["c"]) == {"granted": 1}
    assert await mall.audit() == {}
