"""The SQL of reading wallets."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, case, literal, select

from services.coupon.templates.repository import TEMPLATE
from services.coupon.wallet.ledger import COUPON, ENTRY
from shared.db import Transaction, UtcDateTime


def status_at(now: datetime) -> ColumnElement[str]:
    """`rules.effective` as SQL."""
    instant = literal(now, UtcDateTime)
    free = (COUPON.c.status == "issued") | and_(COUPON.c.status == "locked", COUPON.c.locked_until <= instant)
    return case(
        (free & (COUPON.c.valid_until <= instant), "expired"),
        (free, "issued"),
        else_=COUPON.c.status,
    )


def coupons_at(now: datetime) -> Select[Any]:
    """Coupons with their effective status and what their template says."""
    return select(
        COUPON,
        status_at(now).label("effective"),
        literal(now, UtcDateTime).label("server_time"),
        TEMPLATE.c.name.label("template_name"),
        TEMPLATE.c.currency,
    ).join(TEMPLATE, TEMPLATE.c.id == COUPON.c.template_id)


async def entries(tx: Transaction, coupon_id: str) -> Sequence[Row[Any]]:
    chosen = select(ENTRY).where(ENTRY.c.coupon_id == coupon_id).order_by(ENTRY.c.step)
    return (await tx.execute(chosen)).all()
