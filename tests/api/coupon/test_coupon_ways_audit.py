"""The audit of the ways to a coupon: every kind of damage to codes is found and named."""

from typing import Any

import pytest
from api.coupon.mall import Mall
from api.coupon.test_coupon_audit import strike
from api.coupon.test_coupon_codes import batch, public, redeem
from sqlalchemy import delete, update

from services.coupon.audit.way_checks import WAY_CHECKS
from services.coupon.codes.repository import BATCH, PUBLIC, UNIQUE, USE

DAMAGE: dict[str, Any] = {
    "codes_made": delete(UNIQUE).where(UNIQUE.c.number == 2),
    "codes_used": update(UNIQUE).where(UNIQUE.c.coupon_id.is_not(None)).values(customer_id="thief"),
    "code_coupons": update(UNIQUE).values(coupon_id=None, customer_id=None, redeemed_at=None),
    "public_used": update(PUBLIC).values(used=PUBLIC.c.used + 1),
    "public_uses": update(USE).values(customer_id="thief"),
}


async def some_ways(mall: Mall) -> None:
    """A coupon by each of the ways."""
    template_id = await mall.template()
    _, codes = await batch(mall, template_id)
    await redeem(mall, codes[0])
    await public(mall, template_id)
    await redeem(mall, "DOUBLE11", "c2")


@pytest.mark.parametrize("name", WAY_CHECKS)
async def test_damage_is_found_and_named(mall: Mall, name: str) -> None:
    await some_ways(mall)
    assert await mall.audit() == {}
    await strike(mall, DAMAGE[name])
    assert name in await mall.audit()


async def test_a_batch_can_not_claim_more_than_was_asked_for(mall: Mall) -> None:
    await batch(mall, await mall.template())
    with pytest.raises(Exception, match=r"(?i)check"):
        async with mall.running.service.kit.db.write() as tx:
            await tx.execute(update(BATCH).values(made=4))
