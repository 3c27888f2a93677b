"""Direct issue to many 批量发券: how jobs begin, how they are going, and what became of each customer."""

from collections.abc import AsyncIterator, Callable
from typing import Any

from sqlalchemy import Row, insert, select, update

from services.coupon.audience.repository import knows_segment
from services.coupon.refusals import refusal, told_zh
from services.coupon.templates import repository as templates
from services.coupon.wallet.models import IssueJob, IssueTarget
from services.coupon.wallet.rules import progress
from services.coupon.wallet.schemas import JobResult, JobView
from services.coupon.wallet.sheets import csv_rows
from shared.db import Transaction
from shared.ids import new_id
from shared.service import Kit
from shared.web import Caller, Conflict, NotFound, Page, Paging, Unprocessable, fetch_page

_PORTION = 5_000
_SHEET = ("customer_id", "outcome", "coupon_id", "code", "reason")


class IssueJobs:
    """Opens jobs, tells how they are going, ends them early."""

    def __init__(self, kit: Kit, wake: Callable[[], None]) -> None:
        """`wake` tells the worker that there is something to do."""
        self._kit = kit
        self.wake = wake

    async def open(
        self, tx: Transaction, caller: Caller, template_id: str, reason: str, status: str, segment_id: str | None = None
    ) -> str:
        """A new job without customers; its id. Raises NotFound for an unknown template."""
        if await templates.find(tx, template_id) is None:
            raise refusal("not_found")
        now = self._kit.clock.now()
        job: dict[str, Any] = {
            "id": new_id("job"),
            "template_id": template_id,
            "status": status,
            "reason": reason,
            "actor": caller.actor,
            "segment_id": segment_id,
            "total": 0,
            "issued": 0,
            "refused": 0,
            "refused_by": {},
            "created_at": now,
            "updated_at": now,
        }
        await tx.execute(insert(IssueJob.table), job)
        return str(job["id"])

    async def open_segment(self, caller: Caller, template_id: str, segment_id: str, reason: str) -> JobView:
        """A job for everybody who is in the segment, as far as this service was told; its members are listed next."""
        async with self._kit.db.write() as tx:
            if not await knows_segment(tx, segment_id):
                detail = "Nobody is known to be in a segment with this id. Check the id, or wait for its first members."
                raise Unprocessable("unknown_segment", detail)
            job_id = await self.open(tx, caller, template_id, reason, "listing", segment_id)
            tx.after_commit(self.wake)
            return await self.view(tx, job_id)

    async def get(self, job_id: str) -> JobView:
        async with self._kit.db.read() as tx:
            return await self.view(tx, job_id)

    async def page(self, paging: Paging, status: str | None, template_id: str | None) -> Page[JobView]:
        chosen = select(IssueJob.table)
        if status is not None:
            chosen = chosen.where(IssueJob.c.status == status)
        if template_id is not None:
            chosen = chosen.where(IssueJob.c.template_id == template_id)
        async with self._kit.db.read() as tx:
            return await fetch_page(tx, chosen, IssueJob.c.id, paging, _view)

    async def cancel(self, caller: Caller, job_id: str) -> JobView:
        """Stop it: who was not served yet gets nothing; coupons that were issued stay. Raises Conflict once it is done."""
        async with self._kit.db.write() as tx:
            # Waits for the chunk that is under way.
            row = await self._find(tx, job_id, locked=True)
            if row.status == "done":
                raise Conflict("job_done", "This job is done. Void its coupons if they should not be used.")
            if row.status != "cancelled":
                await end(tx, job_id, f"cancelled by {caller.actor}", self._kit.clock.now())
            return await self.view(tx, job_id)

    async def results(self, job_id: str, paging: Paging) -> Page[JobResult]:
        """What became of each customer, in the order of the list."""
        async with self._kit.db.read() as tx:
            await self._find(tx, job_id)
            chosen = select(IssueTarget.table).where(IssueTarget.c.job_id == job_id)
            return await fetch_page(tx, chosen, IssueTarget.c.position, paging, _result, ascending=True)

    async def sheet(self, job_id: str) -> AsyncIterator[bytes]:
        """The results as a CSV file, piece by piece, with the mark by which spreadsheets know UTF-8. Raises NotFound."""
        async with self._kit.db.read() as tx:
            await self._find(tx, job_id)
        return self._pieces(job_id)

    async def _pieces(self, job_id: str) -> AsyncIterator[bytes]:
        yield "\ufeff".encode() + csv_rows([_SHEET])
        chosen = (
            select(IssueTarget.table)
            .where(IssueTarget.c.job_id == job_id)
            .order_by(IssueTarget.c.position)
            .limit(_PORTION)
        )
        after = -1
        while True:
            async with self._kit.db.read() as tx:
                rows = (await tx.execute(chosen.where(IssueTarget.c.position > after))).all()
            if not rows:
                return
            yield csv_rows([_line(row) for row in rows])
            after = rows[-1].position

    async def view(self, tx: Transaction, job_id: str) -> JobView:
        return _view(await self._find(tx, job_id))

    async def _find(self, tx: Transaction, job_id: str, *, locked: bool = False) -> Row[Any]:
        chosen = select(IssueJob.table).where(IssueJob.c.id == job_id)
        row = (await tx.execute(chosen.with_for_update() if locked else chosen)).one_or_none()
        if row is None:
            raise NotFound("not_found", "There is no coupon job with this id.")
        return row


async def end(tx: Transaction, job_id: str, note: str, now: Any) -> None:
    """Cancel a job that has not ended."""
    open_ = IssueJob.c.status.in_(("receiving", "listing", "running"))
    changed = {"status": "cancelled", "note": note, "updated_at": now}
    await tx.execute(update(IssueJob.table).where(IssueJob.c.id == job_id, open_).values(**changed))


def _view(row: Row[Any]) -> JobView:
    started = row.started_at or row.updated_at
    going = row.status == "running"
    how = progress(row.issued + row.refused, row.total, (row.updated_at - started).total_seconds(), going)
    return JobView(**row._mapping, percent=how.percent, rate=how.rate, eta_seconds=how.eta_seconds)


def _outcome(row: Row[Any]) -> str:
    return "issued" if row.coupon_id else "refused" if row.code else "waiting"


def _result(row: Row[Any]) -> JobResult:
    return JobResult(
        position=row.position,
        customer_id=row.customer_id,
        outcome=_outcome(row),
        coupon_id=row.coupon_id,
        code=row.code,
    )


def _line(row: Row[Any]) -> tuple[str, ...]:
    return (row.customer_id, _outcome(row), row.coupon_id or "", row.code or "", told_zh(row.code or ""))
