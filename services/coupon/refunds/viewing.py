"""Use cases of looking at refunds."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, select

from services.coupon.checkout import repository as checkouts
from services.coupon.checkout.viewing import unknown
from services.coupon.refunds import books, repository
from services.coupon.refunds.models import Refund
from services.coupon.refunds.schemas import RefundView
from shared.db import Transaction
from shared.service import Kit
from shared.web import Caller, NotFound, Page, Paging, fetch_page


class Refunds:
    """What shops and customers see of refunds."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    async def get(self, caller: Caller, refund_id: str) -> RefundView:
        """One refund. Raises NotFound, also for somebody else's."""
        async with self._kit.db.read() as tx:
            row = await repository.find(tx, refund_id)
            if row is None:
                raise NotFound("not_found", "There is no refund with this id.")
            caller.require_customer(row.customer_id)
            return (await self._views(tx, [row]))[0]

    async def page(self, caller: Caller, paging: Paging, checkout_id: str) -> Page[RefundView]:
        """The refunds of a checkout, newest first."""
        async with self._kit.db.read() as tx:
            checkout = await checkouts.find(tx, checkout_id)
            if checkout is None:
                raise unknown()
            caller.require_customer(checkout.customer_id)
            chosen = select(Refund.table).where(Refund.c.checkout_id == checkout_id)
            rows = await fetch_page(tx, chosen, Refund.c.id, paging, lambda row: row)
            views = await self._views(tx, rows.data)
        return Page[RefundView](data=views, has_more=rows.has_more, next_cursor=rows.next_cursor)

    async def found(self, tx: Transaction, refund_id: str) -> RefundView:
        """A refund that is known to be there."""
        row = await repository.find(tx, refund_id)
        assert row is not None  # noqa: S101 - this transaction made or found it
        return (await self._views(tx, [row]))[0]

    async def _views(self, tx: Transaction, rows: Sequence[Row[Any]]) -> list[RefundView]:
        lines, shares = await repository.parts(tx, [row.id for row in rows])
        return [
            _view(
                row,
                [line for line in lines if line.refund_id == row.id],
                [share for share in shares if share.refund_id == row.id],
            )
            for row in rows
        ]


def _view(row: Row[Any], lines: Sequence[Row[Any]], shares: Sequence[Row[Any]]) -> RefundView:
    views = books.line_views([line._mapping for line in lines], [share._mapping for share in shares])
    return RefundView(
        **{
            **row._mapping,
            **row.outcome,
            "payers": books.payers(row.amount, row.points, views),
            "lines": views,
        }
    )
