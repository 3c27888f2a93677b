"""The audit of the ways to a coupon: every kind of damage is found and named."""

from typing import Any

import pytest
from api.coupon.mall import Mall
from api.coupon.test_coupon_audit import found_in
from api.coupon.test_coupon_codes import batch, public, redeem
from api.coupon.test_coupon_draws import draw, ticket
from api.coupon.test_coupon_scanning import claim_code, scan, token
from api.coupon.test_coupon_sharing import help_, offer, share
from kit.alone import Alone
from kit.damage import strike
from sqlalchemy import delete, update

from services.coupon.codes.models import Code, CodeBatch, PublicCode, PublicCodeUse
from services.coupon.draws.models import Draw, DrawPrize, DrawTicket
from services.coupon.scanning.models import ClaimScan
from services.coupon.sharing.models import Share, ShareHelp

DAMAGE: dict[str, Any] = {
    "codes_made": delete(Code.table).where(Code.c.number == 2),
    "codes_used": update(Code.table).where(Code.c.coupon_id.is_not(None)).values(customer_id="thief"),
    "code_coupons": update(Code.table).values(coupon_id=None, customer_id=None, redeemed_at=None),
    "public_used": update(PublicCode.table).values(used=PublicCode.c.used + 1),
    "public_uses": update(PublicCodeUse.table).values(customer_id="thief"),
    "share_helps": delete(ShareHelp.table),
    "share_rewards": update(Share.table).values(reward_coupon_id=None),
    "share_coupons": update(ShareHelp.table).values(coupon_id=None),
    "scans": update(ClaimScan.table).values(coupon_id="cpn_none"),
    "tickets_gapless": update(Draw.table).values(tickets=2),
    "prizes_within": update(DrawPrize.table).values(awarded=0),
    "tickets_pay": update(DrawTicket.table).values(coupon_id=None),
}


async def some_ways(mall: Mall) -> None:
    """A coupon by each of the ways."""
    template_id = await mall.template()
    _, codes = await batch(mall, template_id)
    await redeem(mall, codes[0])
    await public(mall, template_id)
    await redeem(mall, "DOUBLE11", "c2")
    shared = await share(mall, await offer(mall, template_id, friend_template_id=template_id, friends=1))
    await help_(mall, shared["token"], "c3")
    await scan(mall, (await token(mall, await claim_code(mall, template_id)))["token"], "c4")
    await ticket(mall, await draw(mall, [{"name": "coupon", "template_id": template_id, "odds_bp": 10_000}]), "c5")


@pytest.fixture(scope="module")
def ways(alone: Alone) -> Mall:
    mall = Mall(alone.running)
    alone.run(some_ways(mall))
    assert alone.run(mall.audit()) == {}
    return mall


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_found_and_named(alone: Alone, ways: Mall, name: str) -> None:
    assert name in alone.run(found_in(ways, DAMAGE[name]))


async def test_a_batch_can_not_claim_more_than_was_asked_for(mall: Mall) -> None:
    await batch(mall, await mall.template())
    with pytest.raises(Exception, match=r"(?i)check"):
        async with mall.running.service.kit.db.write() as tx:
            await tx.execute(update(CodeBatch.table).values(made=4))


async def test_a_reference_never_gives_two_coupons_whatever_a_program_does(mall: Mall) -> None:
    """Here the code forgot that it was used: the unique key of references stands behind it."""
    template_id = await mall.template()
    _, codes = await batch(mall, template_id)
    await redeem(mall, codes[0])
    await strike(
        mall.running.service.kit.db, update(Code.table).values(coupon_id=None, customer_id=None, redeemed_at=None)
    )
    assert (await redeem(mall, codes[0], "c2")).status_code == 500
    assert (await mall.seen(template_id))["issued"] == 1
