"""The SQL of reading wallets."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, case, func, literal, select

from services.coupon.statements import padded
from services.coupon.templates.repository import TEMPLATE
from services.coupon.wallet.models import Coupon, CouponEntry
from shared.db import Transaction, UtcDateTime


def status_at(now: datetime) -> ColumnElement[str]:
    """`rules.effective` as SQL."""
    instant = literal(now, UtcDateTime)
    free = (Coupon.c.status == "issued") | and_(Coupon.c.status == "locked", Coupon.c.locked_until <= instant)
    return case(
        (free & (Coupon.c.valid_until <= instant), "expired"),
        (free, "issued"),
        else_=Coupon.c.status,
    )


def coupons_at(now: datetime) -> Select[Any]:
    """Coupons with their effective status and what their template says."""
    return select(
        Coupon.table,
        status_at(now).label("effective"),
        literal(now, UtcDateTime).label("server_time"),
        TEMPLATE.c.name.label("template_name"),
        TEMPLATE.c.currency,
    ).join(TEMPLATE, TEMPLATE.c.id == Coupon.c.template_id)


async def entries(tx: Transaction, coupon_id: str) -> Sequence[Row[Any]]:
    chosen = select(CouponEntry.table).where(CouponEntry.c.coupon_id == coupon_id).order_by(CouponEntry.c.step)
    return (await tx.execute(chosen)).all()


async def first_coupons(tx: Transaction, customer_ids: Sequence[str]) -> dict[str, datetime]:
    """When each customer got the first coupon; for the audience."""
    chosen = select(Coupon.c.customer_id, func.min(Coupon.c.issued_at).label("first"))
    mine = chosen.where(Coupon.c.customer_id.in_(padded(customer_ids))).group_by(Coupon.c.customer_id)
    return {row.customer_id: row.first for row in await tx.execute(mine)}
