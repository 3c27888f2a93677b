"""The SQL of store redemption."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Integer, Row, Select, literal, select

from services.coupon.redemption.models import Redemption, RedemptionConflict, RedemptionToken
from services.coupon.statements import padded
from services.coupon.templates.models import Template
from services.coupon.wallet.models import Coupon, CouponEntry
from shared.db import Transaction


async def coupon(tx: Transaction, coupon_id: str) -> Row[Any] | None:
    """The coupon with its template's currency, as it is; not locked."""
    chosen = select(Coupon.table, Template.c.currency).join(Template.table, Template.c.id == Coupon.c.template_id)
    return (await tx.execute(chosen.where(Coupon.c.id == coupon_id))).one_or_none()


async def token(tx: Transaction, token_id: str) -> Row[Any] | None:
    return (await tx.execute(select(RedemptionToken.table).where(RedemptionToken.c.id == token_id))).one_or_none()


async def token_of_code(tx: Transaction, short_code: str) -> Row[Any] | None:
    return (
        await tx.execute(select(RedemptionToken.table).where(RedemptionToken.c.short_code == short_code))
    ).one_or_none()


async def find(tx: Transaction, redemption_id: str) -> Row[Any] | None:
    return (await tx.execute(select(Redemption.table).where(Redemption.c.id == redemption_id))).one_or_none()


async def hold(tx: Transaction, redemption_id: str) -> Row[Any] | None:
    """The redemption, locked until the end of the transaction. Its coupon is locked after it, never before."""
    chosen = select(Redemption.table).where(Redemption.c.id == redemption_id).with_for_update()
    return (await tx.execute(chosen)).one_or_none()


async def live(tx: Transaction, coupon_id: str) -> Row[Any] | None:
    """The redemption of the coupon that stands."""
    chosen = select(Redemption.table).where(Redemption.c.coupon_id == coupon_id, Redemption.c.status == "redeemed")
    return (await tx.execute(chosen)).one_or_none()


async def of_receipt(tx: Transaction, shop_id: str, order_ref: str, coupon_id: str) -> Row[Any] | None:
    """The newest redemption of the coupon on that receipt, also one that was reversed."""
    columns = Redemption.c
    mine = (columns.shop_id == shop_id) & (columns.order_ref == order_ref) & (columns.coupon_id == coupon_id)
    return (await tx.execute(select(Redemption.table).where(mine).order_by(columns.id.desc()).limit(1))).one_or_none()


async def conflict(tx: Transaction, shop_id: str, order_ref: str, coupon_id: str) -> Row[Any] | None:
    columns = RedemptionConflict.c
    mine = (columns.shop_id == shop_id) & (columns.order_ref == order_ref) & (columns.coupon_id == coupon_id)
    return (await tx.execute(select(RedemptionConflict.table).where(mine))).one_or_none()


async def holder(tx: Transaction, coupon: Coupon) -> str | None:
    """The checkout or redemption of the coupon's last change."""
    last = select(CouponEntry.c.checkout_id).where(
        CouponEntry.c.coupon_id == coupon.id, CouponEntry.c.step == coupon.step
    )
    found: str | None = await tx.scalar(last)
    return found


def orders_of(customer_ids: Sequence[str], _now: datetime, but: str) -> Select[tuple[str, datetime, int]]:
    """The receipts on which these customers used coupons; for the audience. A receipt is never open."""
    columns = Redemption.c
    return select(columns.customer_id, columns.created_at.label("at"), literal(0, Integer).label("open")).where(
        columns.customer_id.in_(padded(customer_ids)), columns.order_ref != but, columns.status == "redeemed"
    )
