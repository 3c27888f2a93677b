"""Batches of unique codes: a job of chunks that each are one transaction, so that it goes on exactly wherever it was killed."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select, update

from services.coupon.codes import repository
from services.coupon.codes.models import Code, CodeBatch
from services.coupon.codes.schemas import BatchView, CodesIn, CodeView
from services.coupon.lettering import new_codes
from services.coupon.refusals import refusal
from services.coupon.templates import repository as templates
from shared.db import Transaction, claim_due, insert_bulk
from shared.ids import new_id
from shared.service import Kit, Loop
from shared.web import Caller, NotFound, Page, Paging, fetch_page, invalid


class CodeBatches:
    """Accepts batches, tells how they are going, makes their codes, and ends them."""

    def __init__(self, kit: Kit, chunk_size: int) -> None:
        self._kit = kit
        self._chunk_size = chunk_size
        self.loop = Loop("code batches", self.work, 5.0)

    async def accept(self, caller: Caller, template_id: str, body: CodesIn) -> BatchView:
        """Store the batch; its codes are made from now on, whatever becomes of this process."""
        now = self._kit.clock.now()
        if body.valid_until is not None and body.valid_until <= now:
            raise invalid("#/valid_until", "in_the_past", "Give a moment to come as the last one to redeem the codes.")
        batch_id = new_id("cbt")
        row = {
            "id": batch_id,
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
            if await templates.find(tx, template_id) is None:
                raise refusal("not_found")
            await tx.execute(insert(CodeBatch.table), row)
            tx.after_commit(self.loop.wake.set)
            return await self._view(tx, batch_id)

    async def get(self, batch_id: str) -> BatchView:
        async with self._kit.db.read() as tx:
            return await self._view(tx, batch_id)

    async def page(self, paging: Paging, status: str | None, template_id: str | None) -> Page[BatchView]:
        chosen = select(CodeBatch.table)
        if status is not None:
            chosen = chosen.where(CodeBatch.c.status == status)
        if template_id is not None:
            chosen = chosen.where(CodeBatch.c.template_id == template_id)
        async with self._kit.db.read() as tx:
            rows = await fetch_page(tx, chosen, CodeBatch.c.id, paging, lambda row: row)
            redeemed = await repository.redeemed(tx, [row.id for row in rows.data])
        views = [_view(row, redeemed.get(row.id, 0)) for row in rows.data]
        return Page[BatchView](data=views, has_more=rows.has_more, next_cursor=rows.next_cursor)

    async def codes(self, batch_id: str, paging: Paging, redeemed: bool | None) -> Page[CodeView]:
        """The codes made so far, by number."""
        chosen = select(Code.table).where(Code.c.batch_id == batch_id)
        if redeemed is not None:
            chosen = chosen.where(Code.c.coupon_id.is_not(None) if redeemed else Code.c.coupon_id.is_(None))
        async with self._kit.db.read() as tx:
            await self.find(tx, batch_id)
            return await fetch_page(tx, chosen, Code.c.number, paging, CodeView.model_validate, ascending=True)

    async def void(self, batch_id: str) -> BatchView:
        """No code of the batch gives a coupon any more, and no more are made. Coupons it gave already stay."""
        now = self._kit.clock.now()
        async with self._kit.db.write() as tx:
            live = (CodeBatch.c.id == batch_id) & (CodeBatch.c.status != "voided")
            await tx.execute(update(CodeBatch.table).where(live).values(status="voided", updated_at=now))
            return await self._view(tx, batch_id)

    async def find(self, tx: Transaction, batch_id: str) -> Row[Any]:
        row = await repository.batch(tx, batch_id)
        if row is None:
            raise NotFound("not_found", "There is no code batch with this id.")
        return row

    async def work(self) -> bool:
        """Make the next chunk of one batch. True when there was one: more may wait."""
        running = CodeBatch.c.status == "running"
        async with self._kit.db.read() as tx:
            if (await tx.execute(select(CodeBatch.c.id).where(running).limit(1))).first() is None:
                return False
        now = self._kit.clock.now()
        async with self._kit.db.write() as tx:
            # The batch's row stays locked until the commit: nobody else works on it, and a crash leaves it as it was.
            claimed = await claim_due(
                tx, CodeBatch, where=running, order_by=CodeBatch.c.id, limit=1, values={"updated_at": now}
            )
            if claimed:
                await self._chunk(tx, claimed[0], now)
        return bool(claimed)

    async def _chunk(self, tx: Transaction, batch: CodeBatch, now: datetime) -> None:
        made = min(batch.made + self._chunk_size, batch.total)
        missing = list(range(batch.made + 1, made + 1))
        fresh = new_codes(batch.prefix)
        while missing:
            rows = [{"batch_id": batch.id, "number": number, "code": next(fresh)} for number in missing]
            inserted = await insert_bulk(tx, Code.table, rows, ignore=True)
            # A code that existed already was left out: its number gets another one.
            missing = [] if len(inserted) == len(missing) else sorted(set(missing) - {number for _, number in inserted})
        status = "done" if made == batch.total else "running"
        await tx.execute(
            update(CodeBatch.table).where(CodeBatch.c.id == batch.id).values(made=made, status=status, updated_at=now)
        )

    async def _view(self, tx: Transaction, batch_id: str) -> BatchView:
        row = await self.find(tx, batch_id)
        return _view(row, (await repository.redeemed(tx, [batch_id])).get(batch_id, 0))


def _view(row: Row[Any], redeemed: int) -> BatchView:
    return BatchView(**{**row._mapping, "count": row.total, "redeemed": redeemed})
