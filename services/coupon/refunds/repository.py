"""The SQL of the refunds."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, bindparam, insert, select, update

from services.coupon.checkout.repository import LINE, SHARE
from services.coupon.refunds.models import Refund, RefundLine, RefundShare
from services.coupon.statements import padded
from shared.db import Transaction, table

REFUND = table(Refund)
REFUND_LINE = table(RefundLine)
REFUND_SHARE = table(RefundShare)

_RETURNED = (
    update(LINE)
    .where(LINE.c.checkout_id == bindparam("of_checkout"), LINE.c.line_id == bindparam("of_line"))
    .values(returned=LINE.c.returned + bindparam("more"))
)


async def find(tx: Transaction, refund_id: str) -> Row[Any] | None:
    return (await tx.execute(select(REFUND).where(REFUND.c.id == refund_id))).one_or_none()


async def named(tx: Transaction, checkout_id: str, refund_id: str) -> Row[Any] | None:
    """The checkout's refund of that id of the caller's."""
    mine = (REFUND.c.checkout_id == checkout_id) & (REFUND.c.refund_id == refund_id)
    return (await tx.execute(select(REFUND).where(mine))).one_or_none()


async def of_checkout(tx: Transaction, checkout_id: str) -> Sequence[Row[Any]]:
    """The refunds of a checkout, oldest first."""
    chosen = select(REFUND).where(REFUND.c.checkout_id == checkout_id).order_by(REFUND.c.number)
    return (await tx.execute(chosen)).all()


async def sold(tx: Transaction, checkout_id: str) -> tuple[Sequence[Row[Any]], Sequence[Row[Any]]]:
    """The lines of a checkout in their order, and the shares of them."""
    lines = select(LINE).where(LINE.c.checkout_id == checkout_id).order_by(LINE.c.position)
    shares = select(SHARE).where(SHARE.c.checkout_id == checkout_id).order_by(SHARE.c.source)
    return (await tx.execute(lines)).all(), (await tx.execute(shares)).all()


async def given_back(tx: Transaction, checkout_id: str) -> Sequence[Row[Any]]:
    """What earlier refunds of a checkout gave back to the payers of its offers."""
    return (await tx.execute(select(REFUND_SHARE).where(REFUND_SHARE.c.checkout_id == checkout_id))).all()


async def parts(tx: Transaction, refund_ids: Sequence[str]) -> tuple[Sequence[Row[Any]], Sequence[Row[Any]]]:
    """Lines and shares of these refunds."""
    if not refund_ids:
        return [], []
    ids = padded(refund_ids)
    lines = select(REFUND_LINE).where(REFUND_LINE.c.refund_id.in_(ids)).order_by(REFUND_LINE.c.position)
    shares = select(REFUND_SHARE).where(REFUND_SHARE.c.refund_id.in_(ids)).order_by(REFUND_SHARE.c.source)
    return (await tx.execute(lines)).all(), (await tx.execute(shares)).all()


async def add(
    tx: Transaction, refund: Mapping[str, Any], lines: Sequence[dict[str, Any]], shares: Sequence[dict[str, Any]]
) -> None:
    """Store a refund and count its units as returned; the checkout's row is held, and CHECKs and keys stand behind it."""
    await tx.execute(insert(REFUND), dict(refund))
    if lines:
        await tx.execute(insert(REFUND_LINE), lines)
        moved = [
            {"of_checkout": line["checkout_id"], "of_line": line["line_id"], "more": line["quantity"]} for line in lines
        ]
        await tx.execute(_RETURNED, moved)
    if shares:
        await tx.execute(insert(REFUND_SHARE), shares)
