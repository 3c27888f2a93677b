"""The audit: clean books are clean, and every kind of damage is found and named."""

from typing import Any

import pytest
from api.coupon.mall import Mall
from kit.alone import Alone
from kit.damage import found_after
from sqlalchemy import delete, insert, select, update

from services.coupon.cash_back.models import CashBackPromise
from services.coupon.checkout.models import (
    Checkout,
    CheckoutCoupon,
    CheckoutLine,
    CheckoutPromotion,
    DiscountShare,
    PromotionEntry,
)
from services.coupon.packs.models import CouponPack
from services.coupon.refunds.models import Refund, RefundLine, RefundShare
from services.coupon.templates import lease_repository as leases
from services.coupon.templates import repository as templates
from services.coupon.templates.models import QuotaLease, Template, TemplateDay
from services.coupon.templates.validity import FOREVER
from services.coupon.wallet.models import Coupon, CouponEntry

DAMAGE: dict[str, Any] = {
    "issued_counter": update(Template.table).values(issued=Template.c.issued + 1),
    "within_limits": update(Template.table).values(total=1),
    "no_orphans": delete(Template.table),
    "day_counters": update(TemplateDay.table).values(issued=99),
    "budget_is_ledger": update(Template.table).values(budget_spent=Template.c.budget_spent - 1),
    "budget_is_reserved": update(Coupon.table).values(reserved=Coupon.c.reserved + 1),
    "reserves_end": update(Coupon.table).where(Coupon.c.status == "issued").values(status="voided"),
    "leases": update(QuotaLease.table).values(cost=1),
    "pack_counters": update(CouponPack.table).values(issued=CouponPack.c.issued + 1),
    "pack_coupons": update(Coupon.table).where(Coupon.c.source == "pack").values(source="claim"),
    "shares_are_discount": update(Checkout.table).values(discount=Checkout.c.discount - 1),
    "shares_are_amounts": update(DiscountShare.table).values(amount=DiscountShare.c.amount + 1),
    "locks_agree": update(CheckoutCoupon.table).values(token=CheckoutCoupon.c.token + 1),
    "redeemed_once": update(Coupon.table).where(Coupon.c.status == "issued").values(status="redeemed"),
    "ledger_replay": delete(CouponEntry.table).where(CouponEntry.c.step == 2),
    "ledger_chain": update(CouponEntry.table).where(CouponEntry.c.step == 2).values(from_status="voided"),
    "lines_are_shares": update(CheckoutLine.table).values(discount=CheckoutLine.c.discount - 1),
    "lines_are_totals": update(Checkout.table).values(total=Checkout.c.total + 1),
    "refunds_within_paid": update(Checkout.table)
    .where(Checkout.c.id.in_(select(Refund.c.checkout_id)))
    .values(total=1),
    "whole_refund_is_paid": update(Refund.table).values(amount=Refund.c.amount - 1),
    "refund_lines": update(RefundLine.table).values(amount=RefundLine.c.amount + 1),
    "refund_prices": update(RefundShare.table).values(amount=RefundShare.c.amount + 1),
    "promotion_counters": update(CheckoutPromotion.table).values(budget_taken=CheckoutPromotion.c.budget_taken + 1),
    "promotion_ledger": update(PromotionEntry.table).values(budget_change=PromotionEntry.c.budget_change + 1),
    "promotion_days": update(CheckoutPromotion.table).values(day="2026-01-01"),
    "promotion_states": update(CheckoutPromotion.table).values(state="released"),
    "promotion_replay": update(CheckoutPromotion.table).values(step=2),
    "promotion_shares": update(CheckoutPromotion.table).values(amount=CheckoutPromotion.c.amount + 1),
    "cash_back_promises": update(CashBackPromise.table).values(promised=CashBackPromise.c.promised + 1),
    "cash_back_states": update(CashBackPromise.table)
    .values(status="cancelled")
    .where(CashBackPromise.c.status == "promised"),
    "cash_back_issued": update(Coupon.table).values(face_amount=7).where(Coupon.c.source == "cash_back"),
    "cash_back_once": update(Coupon.table).values(source="cash_back"),
    "cash_back_owed": update(CashBackPromise.table).values(owed=1).where(CashBackPromise.c.amount > 0),
    "refund_payers": update(RefundShare.table).values(amount=RefundShare.c.amount * 9),
    "offers_come_back_last": update(CheckoutCoupon.table)
    .values(state="returned")
    .where(CheckoutCoupon.c.checkout_id.not_in(select(Refund.c.checkout_id))),
    "returned_units": update(CheckoutLine.table)
    .values(returned=CheckoutLine.c.returned - 1)
    .where(CheckoutLine.c.returned > 0),
}


async def some_trade(mall: Mall) -> None:
    """Coupons with a budget and a daily limit, one held by an order; a promotion in another; a third was paid and came back."""
    template_id = await mall.template(1000, limits={"budget": 9000, "per_day": 9, "total": 9})
    await mall.claim(template_id)
    await mall.claim(template_id, "c2")
    await mall.checkout("o1")
    promotion = {"scope": {"channels": ["app"]}, "limits": {"budget": 900, "per_day": 5}}
    await mall.promotion(100, **promotion)
    await mall.checkout("o3", {**mall.cart(channel="app"), "customer_id": "c4"})
    await mall.claim(await mall.template(300), "c3")
    paid = await mall.checkout("o2", {**mall.cart(quantity=2), "customer_id": "c3"})
    await mall.end(paid["id"], "commit")
    await mall.refund(paid["id"], lines=[{"line_id": "1", "quantity": 1}])
    await mall.refund(paid["id"], return_coupons="never")
    await mall.promotion(benefit={"kind": "cash_back", "amount": 50}, scope={"channels": ["mini_program"]})
    for order, customer in (("o4", "c5"), ("o5", "c6")):
        rewarded = await mall.checkout(order, {**mall.cart(channel="mini_program"), "customer_id": customer})
    await mall.end(rewarded["id"], "commit")
    await mall.complete(rewarded["id"])
    free = await mall.template(limits={"total": 9})
    items = [{"template_id": await mall.template(), "quantity": 2}]
    pack = (await mall.http.post("/v1/coupon-packs", json={"name": "礼包", "items": items})).json()
    await mall.http.post(f"/v1/coupon-packs/{pack['id']}/claims", json={"customer_id": "c9"})
    async with mall.running.service.kit.db.write() as tx:
        row = {"template_id": free, "unused": 5, "cost": 0, "day": None, "expires_at": FOREVER}
        await leases.insert_lease(tx, "hld_another", row)
        templates.count(tx, [{"id": free, "more_issued": 5, "more_spent": 0}])


async def found_in(mall: Mall, damage: Any) -> dict[str, str]:
    """What the audit finds after this damage, which is undone then."""
    return await found_after(mall.running.service.kit.db, damage, mall.audit)


@pytest.fixture(scope="module")
def trade(alone: Alone) -> Mall:
    mall = Mall(alone.running)
    alone.run(some_trade(mall))
    assert alone.run(mall.audit()) == {}
    return mall


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_found_and_named(alone: Alone, trade: Mall, name: str) -> None:
    failed = alone.run(found_in(trade, DAMAGE[name]))
    assert name in failed
    assert any(prefix in failed[name] for prefix in ("tpl_", "prm_", "cpn_", "chk_", "rfd_", "pck_", "pcl_"))


async def test_a_second_live_lock_cannot_even_be_written(mall: Mall) -> None:
    await some_trade(mall)
    async with mall.running.service.kit.db.read() as tx:
        row = (await tx.execute(CheckoutCoupon.table.select().where(CheckoutCoupon.c.state == "live"))).one()
    with pytest.raises(Exception, match=r"(?i)unique"):
        async with mall.running.service.kit.db.write() as tx:
            await tx.execute(insert(CheckoutCoupon.table), {**row._mapping, "checkout_id": "chk_other"})


async def test_the_checks_hold_the_limits_whatever_a_program_does(mall: Mall) -> None:
    await some_trade(mall)
    for values in ({"issued": 10}, {"budget_spent": 9001}, {"issued": -1}):
        with pytest.raises(Exception, match=r"(?i)check"):
            async with mall.running.service.kit.db.write() as tx:
                await tx.execute(update(Template.table).values(**values))
