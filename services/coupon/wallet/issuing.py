"""Direct issue to many 批量发券: how jobs begin, how they are going, and what became of each customer."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, Literal

from services.coupon.audience.repository import knows_segment
from services.coupon.refusals import told_zh
from services.coupon.templates.queries import read_unended
from services.coupon.wallet import job_repository
from services.coupon.wallet.models import IssueJob, IssueTarget
from services.coupon.wallet.schemas import JobResult, JobView
from services.coupon.wallet.sheets import csv_rows
from services.coupon.wallet.views import job_view, outcome_of
from shared.db import Transaction
from shared.ids import new_id
from shared.service import Kit
from shared.web import Caller, Conflict, NotFound, Page, Paging, Unprocessable

_PORTION = 5_000
_SHEET = ("customer_id", "outcome", "coupon_id", "code", "reason")


@dataclass(frozen=True, slots=True)
class IssueOrder:
    """What a job issues, and why. `status` is what comes first: its list comes in, or its segment's members are listed."""

    template_id: str
    reason: str
    status: Literal["receiving", "listing"]
    segment_id: str | None = None


class IssueJobs:
    """Opens jobs, tells how they are going, ends them early."""

    def __init__(self, kit: Kit, wake: Callable[[], None]) -> None:
        """`wake` tells the worker that there is something to do."""
        self._kit = kit
        self.wake = wake

    async def create(self, tx: Transaction, caller: Caller, order: IssueOrder) -> str:
        """A new job without customers; its id. Raises NotFound for an unknown template, Gone for one that has ended."""
        now, job_id = self._kit.clock.now(), new_id("job")
        await read_unended(tx, caller, order.template_id, now)
        job: dict[str, Any] = {
            "id": job_id,
            "owner_id": caller.owner_id,
            "template_id": order.template_id,
            "status": order.status,
            "reason": order.reason,
            "actor": caller.actor,
            "segment_id": order.segment_id,
            "total": 0,
            "issued": 0,
            "refused": 0,
            "refused_by": {},
            "created_at": now,
            "updated_at": now,
        }
        await job_repository.insert_job(tx, job)
        return job_id

    async def create_for_segment(self, caller: Caller, template_id: str, segment_id: str, reason: str) -> JobView:
        """A job for everybody who is in the segment, as far as this service was told; its members are listed next."""
        async with self._kit.db.write() as tx:
            if not await knows_segment(tx, segment_id):
                detail = "Nobody is known to be in a segment with this id. Check the id, or wait for its first members."
                raise Unprocessable("unknown_segment", detail)
            job_id = await self.create(tx, caller, IssueOrder(template_id, reason, "listing", segment_id))
            tx.after_commit(self.wake)
            return await self.view(tx, caller, job_id)

    async def read(self, caller: Caller, job_id: str) -> JobView:
        """One job. Raises NotFound, also for another owner's."""
        async with self._kit.db.read() as tx:
            return await self.view(tx, caller, job_id)

    async def page(self, paging: Paging, status: str | None, template_id: str | None) -> Page[JobView]:
        """Jobs, newest first."""
        async with self._kit.db.read() as tx:
            return await job_repository.page(tx, paging, status, template_id)

    async def cancel(self, caller: Caller, job_id: str) -> JobView:
        """Stop it: who was not served yet gets nothing; coupons that were issued stay. Raises Conflict once it is done."""
        async with self._kit.db.write() as tx:
            row = _found(await job_repository.lock(tx, caller, job_id))
            if row.status == "done":
                raise Conflict("job_done", "This job is done. Void its coupons if they should not be used.")
            if row.status != "cancelled":
                await job_repository.cancel(tx, job_id, f"cancelled by {caller.actor}", self._kit.clock.now())
            return await self.view(tx, caller, job_id)

    async def results(self, job_id: str, paging: Paging) -> Page[JobResult]:
        """What became of each customer, in the order of the list."""
        async with self._kit.db.read() as tx:
            await self.view(tx, paging.caller, job_id)
            return await job_repository.page_targets(tx, paging, job_id)

    async def sheet(self, caller: Caller, job_id: str) -> AsyncIterator[bytes]:
        """The results as a CSV file, piece by piece, with the mark by which spreadsheets know UTF-8. Raises NotFound."""
        await self.read(caller, job_id)
        return self._pieces(job_id)

    async def _pieces(self, job_id: str) -> AsyncIterator[bytes]:
        yield "\ufeff".encode() + csv_rows([_SHEET])
        start = 0
        while True:
            async with self._kit.db.read() as tx:
                rows = await job_repository.targets(tx, job_id, start, _PORTION)
            if not rows:
                return
            yield csv_rows([_line(row) for row in rows])
            start = rows[-1].position + 1

    async def view(self, tx: Transaction, caller: Caller, job_id: str) -> JobView:
        """One job, within a transaction. Raises NotFound."""
        return job_view(_found(await job_repository.find(tx, caller, job_id)))


def _found(row: IssueJob | None) -> IssueJob:
    if row is None:
        raise NotFound("not_found", "There is no coupon job with this id.")
    return row


def _line(row: IssueTarget) -> tuple[str, ...]:
    return (row.customer_id, outcome_of(row), row.coupon_id or "", row.code or "", told_zh(row.code or ""))
