"""The SQL of the refunds."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, insert, select, update

from services.coupon.checkout.models import CheckoutLine, DiscountShare
from services.coupon.refunds.models import Refund, RefundLine, RefundShare
from shared.db import Transaction, one_of
from shared.web import Caller, Page, Paging, page_of, visible

_RETURNED = (
    update(CheckoutLine.table)
    .where(CheckoutLine.c.checkout_id == bindparam("of_checkout"), CheckoutLine.c.line_id == bindparam("of_line"))
    .values(returned=CheckoutLine.c.returned + bindparam("more"))
)


async def find(tx: Transaction, refund_id: str) -> Refund | None:
    """The refund of that id of ours."""
    return await tx.row(Refund, select(Refund.table).where(Refund.c.id == refund_id))


async def find_seen(tx: Transaction, caller: Caller, refund_id: str) -> Refund | None:
    """The same, if it exists for the caller."""
    return await tx.row(
        Refund, visible(select(Refund.table).where(Refund.c.id == refund_id), Refund.c.owner_id, caller)
    )


async def find_named(tx: Transaction, checkout_id: str, refund_id: str) -> Refund | None:
    """The checkout's refund of that id of the caller's."""
    mine = (Refund.c.checkout_id == checkout_id) & (Refund.c.refund_id == refund_id)
    return await tx.row(Refund, select(Refund.table).where(mine))


async def page(tx: Transaction, paging: Paging, checkout_id: str) -> Page[Refund]:
    """The refunds of a checkout, newest first."""
    chosen = select(Refund.table).where(Refund.c.checkout_id == checkout_id)
    return await page_of(tx, Refund, chosen, Refund.c.id, paging, lambda row: row)


async def of_checkout(tx: Transaction, checkout_id: str) -> list[Refund]:
    """All refunds of a checkout, oldest first."""
    return await tx.rows(
        Refund, select(Refund.table).where(Refund.c.checkout_id == checkout_id).order_by(Refund.c.number)
    )


async def sold(tx: Transaction, checkout_id: str) -> tuple[list[CheckoutLine], list[DiscountShare]]:
    """The lines of a checkout in their order, and the shares of them."""
    lines = select(CheckoutLine.table).where(CheckoutLine.c.checkout_id == checkout_id)
    shares = select(DiscountShare.table).where(DiscountShare.c.checkout_id == checkout_id)
    return (
        await tx.rows(CheckoutLine, lines.order_by(CheckoutLine.c.position)),
        await tx.rows(DiscountShare, shares.order_by(DiscountShare.c.source)),
    )


async def given_back(tx: Transaction, checkout_id: str) -> list[RefundShare]:
    """What earlier refunds of a checkout gave back to the payers of its offers."""
    return await tx.rows(RefundShare, select(RefundShare.table).where(RefundShare.c.checkout_id == checkout_id))


async def parts(tx: Transaction, refund_ids: Sequence[str]) -> tuple[list[RefundLine], list[RefundShare]]:
    """Lines and shares of these refunds."""
    if not refund_ids:
        return [], []
    lines = select(RefundLine.table).where(one_of(RefundLine.c.refund_id, refund_ids))
    shares = select(RefundShare.table).where(one_of(RefundShare.c.refund_id, refund_ids))
    return (
        await tx.rows(RefundLine, lines.order_by(RefundLine.c.position)),
        await tx.rows(RefundShare, shares.order_by(RefundShare.c.source)),
    )


async def insert_refund(
    tx: Transaction, refund: Mapping[str, Any], lines: Sequence[dict[str, Any]], shares: Sequence[dict[str, Any]]
) -> None:
    """Store a refund and count its units as returned; the checkout's row is held, and CHECKs and keys stand behind it."""
    await tx.run(insert(Refund.table), refund)
    if lines:
        await tx.run(insert(RefundLine.table), lines)
        moved = [
            {"of_checkout": line["checkout_id"], "of_line": line["line_id"], "more": line["quantity"]} for line in lines
        ]
        await tx.run(_RETURNED, moved)
    if shares:
        await tx.run(insert(RefundShare.table), shares)
