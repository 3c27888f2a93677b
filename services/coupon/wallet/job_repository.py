"""The SQL of issue jobs and of the customers whom they serve."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Select, String, func, insert, literal, select, update

from services.coupon.audience.repository import members
from services.coupon.wallet.models import IssueJob, IssueTarget
from services.coupon.wallet.schemas import JobResult, JobView
from services.coupon.wallet.sheets import SheetRow
from services.coupon.wallet.views import job_result_view, job_view
from shared.db import Transaction, claim_due, insert_bulk, update_bulk
from shared.web import Caller, Page, Paging, filtered, page_of, visible

_WORK = IssueJob.c.status.in_(("listing", "running"))
_OPEN = IssueJob.c.status.in_(("receiving", "listing", "running"))


async def insert_job(tx: Transaction, row: dict[str, Any]) -> None:
    """Store a new job."""
    await tx.run(insert(IssueJob.table), row)


async def find(tx: Transaction, caller: Caller, job_id: str) -> IssueJob | None:
    """The job as it is; not locked."""
    return await tx.row(IssueJob, _of(caller, job_id))


async def lock(tx: Transaction, caller: Caller, job_id: str) -> IssueJob | None:
    """The job, locked until the end of the transaction: waits for the chunk that is under way."""
    return await tx.row(IssueJob, _of(caller, job_id).with_for_update())


def _of(caller: Caller, job_id: str) -> Select[Any]:
    return visible(select(IssueJob.table).where(IssueJob.c.id == job_id), IssueJob.c.owner_id, caller)


async def page(tx: Transaction, paging: Paging, status: str | None, template_id: str | None) -> Page[JobView]:
    """Jobs, newest first."""
    chosen = filtered(select(IssueJob.table), {IssueJob.c.status: status, IssueJob.c.template_id: template_id})
    chosen = visible(chosen, IssueJob.c.owner_id, paging.caller)
    return await page_of(tx, IssueJob, chosen, IssueJob.c.id, paging, job_view)


async def update_job(tx: Transaction, job_id: str, values: dict[str, Any]) -> None:
    """Write these columns of the job, whose row is held."""
    await tx.run(update(IssueJob.table).where(IssueJob.c.id == job_id).values(**values))


async def cancel(tx: Transaction, job_id: str, note: str, now: datetime) -> None:
    """End a job that has not ended."""
    changed = {"status": "cancelled", "note": note, "updated_at": now}
    await tx.run(update(IssueJob.table).where(IssueJob.c.id == job_id, _OPEN).values(**changed))


async def begin(tx: Transaction, job_id: str, now: datetime) -> None:
    """The job's list is whole: it may be worked off."""
    waiting = (IssueJob.c.id == job_id) & (IssueJob.c.status == "receiving")
    await tx.run(update(IssueJob.table).where(waiting).values(status="running", started_at=now, updated_at=now))


async def is_waiting(tx: Transaction, lost_since: datetime) -> bool:
    """Whether a job is to be worked off, or its list stopped coming in before that instant."""
    return await tx.scalar(select(IssueJob.c.id).where(_WORK | _lost(lost_since)).limit(1)) is not None


async def claim(tx: Transaction, now: datetime) -> IssueJob | None:
    """The job that waits longest, locked until the end of the transaction."""
    values = {"updated_at": now}
    found = await claim_due(tx, IssueJob, where=_WORK, order_by=IssueJob.c.updated_at, limit=1, values=values)
    return found[0] if found else None


async def claim_lost(tx: Transaction, lost_since: datetime, now: datetime) -> list[IssueJob]:
    """Jobs whose list stopped coming in before that instant, locked until the end of the transaction."""
    waiting, values = _lost(lost_since), {"updated_at": now}
    return await claim_due(tx, IssueJob, where=waiting, order_by=IssueJob.c.updated_at, limit=10, values=values)


def _lost(since: datetime) -> Any:
    return (IssueJob.c.status == "receiving") & (IssueJob.c.updated_at <= since)


async def append(tx: Transaction, job_id: str, named: Sequence[SheetRow], now: datetime) -> bool:
    """Store the next rows of a list that comes in. False when the job has ended meanwhile."""
    counted = (
        update(IssueJob.table)
        .where(IssueJob.c.id == job_id, IssueJob.c.status == "receiving")
        .values(total=IssueJob.c.total + len(named), updated_at=now)
        .returning(IssueJob.c.total)
    )
    total = await tx.scalar(counted)
    if total is None:
        return False
    rows = [
        {"job_id": job_id, "position": position, **one._asdict()}
        for position, one in enumerate(named, total - len(named))
    ]
    await insert_bulk(tx, IssueTarget.table, rows)
    return True


async def append_members(tx: Transaction, job: IssueJob, limit: int) -> tuple[int, str | None]:
    """Copy the next members of the job's segment into it, in the order of their ids: how many, and the last one."""
    part = members(str(job.segment_id), job.listed).limit(limit).subquery()
    number = func.row_number().over(order_by=part.c.customer_id)
    rows = select(literal(job.id, String), literal(job.total - 1, BigInteger) + number, part.c.customer_id)
    copied = insert(IssueTarget.table).from_select(["job_id", "position", "customer_id"], rows)
    listed = await tx.run(copied)
    at = IssueTarget.c.position == job.total + listed - 1
    last = select(IssueTarget.c.customer_id).where(IssueTarget.c.job_id == job.id, at)
    return listed, await tx.scalar(last)


async def targets(tx: Transaction, job_id: str, start: int, limit: int) -> list[IssueTarget]:
    """The next customers of a job, from that position on."""
    chosen = select(IssueTarget.table).where(IssueTarget.c.job_id == job_id, IssueTarget.c.position >= start)
    return await tx.rows(IssueTarget, chosen.order_by(IssueTarget.c.position).limit(limit))


async def page_targets(tx: Transaction, paging: Paging, job_id: str) -> Page[JobResult]:
    """What became of each customer of a job, in the order of its list."""
    chosen = select(IssueTarget.table).where(IssueTarget.c.job_id == job_id)
    return await page_of(tx, IssueTarget, chosen, IssueTarget.c.position, paging.ascending(), job_result_view)


async def update_targets(tx: Transaction, outcomes: Sequence[dict[str, Any]]) -> None:
    """Write down what became of customers: rows of `job_id`, `position`, `coupon_id` and `code`."""
    match = {"job_id": "job_id", "position": "position"}
    values = {"coupon_id": "given.coupon_id", "code": "given.code"}
    await update_bulk(tx, IssueTarget.table, outcomes, match=match, values=values)
