"""Batches of unique codes 兑换码: ordered, looked at and ended by the merchant."""

from collections.abc import Callable

from services.coupon.codes import repository
from services.coupon.codes.models import CodeBatch
from services.coupon.codes.schemas import BatchView, CodesIn, CodeView
from services.coupon.codes.views import batch_view
from services.coupon.templates.queries import read_unended
from shared.db import Transaction
from shared.ids import new_id
from shared.service import Kit
from shared.web import Caller, NotFound, Page, Paging
from shared.web.ends import refuse_passed


class CodeBatches:
    """What merchants do with batches of codes."""

    def __init__(self, kit: Kit, wake: Callable[[], None]) -> None:
        """`wake` tells the worker that there is something to do."""
        self._kit = kit
        self._wake = wake

    async def create(self, caller: Caller, template_id: str, body: CodesIn) -> BatchView:
        """Store the batch; its codes are made from now on, whatever becomes of this process."""
        now = self._kit.clock.now()
        refuse_passed(
            "#/valid_until", body.valid_until, now, "Give a later one as the last moment to redeem the codes."
        )
        batch_id = new_id("cbt")
        row = {
            "id": batch_id,
            "owner_id": caller.owner_id,
            "template_id": template_id,
            "status": "running",
            "prefix": body.prefix,
            "total": body.count,
            "made": 0,
            "valid_until": body.valid_until,
            "actor": caller.actor,
            "created_at": now,
            "updated_at": now,
        }
        async with self._kit.db.write() as tx:
            await read_unended(tx, caller, template_id, now)
            await repository.insert_batch(tx, row)
            tx.after_commit(self._wake)
            return await self._view(tx, caller, batch_id)

    async def read(self, caller: Caller, batch_id: str) -> BatchView:
        """One batch and how it is going. Raises NotFound."""
        async with self._kit.db.read() as tx:
            return await self._view(tx, caller, batch_id)

    async def page(self, paging: Paging, status: str | None, template_id: str | None) -> Page[BatchView]:
        """Batches, newest first."""
        async with self._kit.db.read() as tx:
            rows = await repository.page_batches(tx, paging, status, template_id)
            redeemed = await repository.count_redeemed(tx, [row.id for row in rows.data])
        views = [batch_view(row, redeemed.get(row.id, 0)) for row in rows.data]
        return Page[BatchView](data=views, has_more=rows.has_more, next_cursor=rows.next_cursor)

    async def codes(self, batch_id: str, paging: Paging, redeemed: bool | None) -> Page[CodeView]:
        """The codes made so far, by number."""
        async with self._kit.db.read() as tx:
            await read_batch(tx, paging.caller, batch_id)
            return await repository.page_codes(tx, paging, batch_id, redeemed)

    async def void(self, caller: Caller, batch_id: str) -> BatchView:
        """No code of the batch gives a coupon any more, and no more are made. Coupons it gave already stay."""
        async with self._kit.db.write() as tx:
            await read_batch(tx, caller, batch_id)
            await repository.void_batch(tx, batch_id, self._kit.clock.now())
            return await self._view(tx, caller, batch_id)

    async def _view(self, tx: Transaction, caller: Caller, batch_id: str) -> BatchView:
        row = await read_batch(tx, caller, batch_id)
        return batch_view(row, (await repository.count_redeemed(tx, [batch_id])).get(batch_id, 0))


async def read_batch(tx: Transaction, caller: Caller, batch_id: str) -> CodeBatch:
    """The batch as it is. Raises NotFound, also for another owner's."""
    row = await repository.find_batch(tx, caller, batch_id)
    if row is None:
        raise NotFound("not_found", "There is no code batch with this id.")
    return row
