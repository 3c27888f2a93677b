"""The audit of tills and cases: every kind of damage is found and named."""

from typing import Any

import pytest
from api.coupon.mall import Mall
from api.coupon.test_coupon_abuse import cases, claim
from api.coupon.test_coupon_audit import found_in
from api.coupon.tillkit import Till, show
from kit.alone import Alone
from sqlalchemy import delete, update

from services.coupon.redemption.models import Redemption, RedemptionConflict
from services.coupon.review.models import AbuseCase, AbuseCaseCoupon
from services.coupon.wallet.models import Coupon
from shared.clock import ManualClock

DAMAGE: dict[str, list[Any]] = {
    "till_ledger": [
        update(Redemption.table).where(Redemption.c.status == "redeemed").values(amount=Redemption.c.amount + 1),
        update(Redemption.table).where(Redemption.c.status == "reversed").values(coupon_id="cpn_other"),
    ],
    "conflicts_lose": [update(RedemptionConflict.table).values(order_ref="offline")],
    "case_counts": [update(AbuseCase.table).values(coupons=AbuseCase.c.coupons + 1)],
    "case_outcomes": [
        update(AbuseCaseCoupon.table).values(outcome=None),
        update(Coupon.table).where(Coupon.c.status == "voided").values(status="issued"),
    ],
    "redeemed_once": [
        delete(Redemption.table).where(Redemption.c.status == "redeemed"),
        update(Redemption.table).where(Redemption.c.status == "reversed").values(status="redeemed", reversed_at=None),
    ],
    "reserves_end": [update(Redemption.table).where(Redemption.c.status == "redeemed").values(amount=1)],
}


async def a_day_in_the_store(mall: Mall, clock: ManualClock) -> None:
    """A coupon used off line and told to be used again, one used and given back, and a phone whose coupons were taken back."""
    template_id = await mall.template(1000, limits={"budget": 50_000})
    till, at = Till(mall), clock.now().isoformat()
    first, second = await mall.claim(template_id), await mall.claim(template_id)
    token = (await show(mall, first))["token"]
    item = {"token": token, "redeemed_at": at, "amount": 700}
    results = await till.settle({**item, "order_ref": "offline"}, {**item, "order_ref": "twice"})
    assert [one["outcome"] for one in results] == ["redeemed", "conflict"]
    done = (await till.redeem(token=(await show(mall, second))["token"])).json()
    await till.http.post(f"/v1/redemptions/{done['id']}/reverse", json={"reason": "x"})
    for number in range(8):
        await claim(mall, template_id, f"n{number}", device="phone-1")
    (case,) = await cases(mall, clock)
    await mall.http.post(f"/v1/abuse/cases/{case['id']}/decide", json={"decision": "void"})


@pytest.fixture(scope="module")
def day(alone: Alone) -> Mall:
    mall = Mall(alone.running)
    alone.run(a_day_in_the_store(mall, alone.clock))
    assert alone.run(mall.audit()) == {}
    return mall


@pytest.mark.parametrize(
    ("name", "number"), [(name, number) for name, all_of in DAMAGE.items() for number in range(len(all_of))]
)
def test_damage_is_found_and_named(alone: Alone, day: Mall, name: str, number: int) -> None:
    assert name in alone.run(found_in(day, DAMAGE[name][number]))
