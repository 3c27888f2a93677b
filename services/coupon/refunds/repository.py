"""The SQL of the refunds."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, bindparam, insert, select, update

from services.coupon.checkout.models import CheckoutLine, DiscountShare
from services.coupon.refunds.models import Refund, RefundLine, RefundShare
from services.coupon.statements import padded
from shared.db import Transaction

_RETURNED = (
    update(CheckoutLine.table)
    .where(CheckoutLine.c.checkout_id == bindparam("of_checkout"), CheckoutLine.c.line_id == bindparam("of_line"))
    .values(returned=CheckoutLine.c.returned + bindparam("more"))
)


async def find(tx: Transaction, refund_id: str) -> Row[Any] | None:
    return (await tx.execute(select(Refund.table).where(Refund.c.id == refund_id))).one_or_none()


async def named(tx: Transaction, checkout_id: str, refund_id: str) -> Row[Any] | None:
    """The checkout's refund of that id of the caller's."""
    mine = (Refund.c.checkout_id == checkout_id) & (Refund.c.refund_id == refund_id)
    return (await tx.execute(select(Refund.table).where(mine))).one_or_none()


async def of_checkout(tx: Transaction, checkout_id: str) -> Sequence[Row[Any]]:
    """The refunds of a checkout, oldest first."""
    chosen = select(Refund.table).where(Refund.c.checkout_id == checkout_id).order_by(Refund.c.number)
    return (await tx.execute(chosen)).all()


async def sold(tx: Transaction, checkout_id: str) -> tuple[Sequence[Row[Any]], Sequence[Row[Any]]]:
    """The lines of a checkout in their order, and the shares of them."""
    lines = (
        select(CheckoutLine.table).where(CheckoutLine.c.checkout_id == checkout_id).order_by(CheckoutLine.c.position)
    )
    shares = (
        select(DiscountShare.table).where(DiscountShare.c.checkout_id == checkout_id).order_by(DiscountShare.c.source)
    )
    return (await tx.execute(lines)).all(), (await tx.execute(shares)).all()


async def given_back(tx: Transaction, checkout_id: str) -> Sequence[Row[Any]]:
    """What earlier refunds of a checkout gave back to the payers of its offers."""
    return (await tx.execute(select(RefundShare.table).where(RefundShare.c.checkout_id == checkout_id))).all()


async def parts(tx: Transaction, refund_ids: Sequence[str]) -> tuple[Sequence[Row[Any]], Sequence[Row[Any]]]:
    """Lines and shares of these refunds."""
    if not refund_ids:
        return [], []
    ids = padded(refund_ids)
    lines = select(RefundLine.table).where(RefundLine.c.refund_id.in_(ids)).order_by(RefundLine.c.position)
    shares = select(RefundShare.table).where(RefundShare.c.refund_id.in_(ids)).order_by(RefundShare.c.source)
    return (await tx.execute(lines)).all(), (await tx.execute(shares)).all()


async def add(
    tx: Transaction, refund: Mapping[str, Any], lines: Sequence[dict[str, Any]], shares: Sequence[dict[str, Any]]
) -> None:
    """Store a refund and count its units as returned; the checkout's row is held, and CHECKs and keys stand behind it."""
    await tx.execute(insert(Refund.table), dict(refund))
    if lines:
        await tx.execute(insert(RefundLine.table), lines)
        moved = [
            {"of_checkout": line["checkout_id"], "of_line": line["line_id"], "more": line["quantity"]} for line in lines
        ]
        await tx.execute(_RETURNED, moved)
    if shares:
        await tx.execute(insert(RefundShare.table), shares)
