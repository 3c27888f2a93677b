"""Direct issue to a list 批量发券: a job of rows, worked off in chunks that each are one transaction."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, func, insert, select, update

from services.coupon.templates import repository as templates
from services.coupon.wallet.granting import Granting
from services.coupon.wallet.minting import Granted, Wish
from services.coupon.wallet.models import IssueJob, IssueTarget
from services.coupon.wallet.refusals import refusal
from services.coupon.wallet.schemas import IssueIn, JobResult, JobView
from shared.db import Transaction, claim_due, table
from shared.ids import new_id
from shared.service import Kit, Loop
from shared.web import Caller, NotFound, Page, Paging, fetch_page

JOB = table(IssueJob)
TARGET = table(IssueTarget)


class IssueJobs:
    """Accepts jobs, tells how they are going, and works them off."""

    def __init__(self, kit: Kit, granting: Granting, chunk_size: int) -> None:
        self._kit = kit
        self._granting = granting
        self._chunk_size = chunk_size
        self.loop = Loop("issue jobs", self.work, 5.0)

    async def accept(self, caller: Caller, template_id: str, body: IssueIn) -> JobView:
        """Store the job; it is worked off from now on, whatever becomes of this process."""
        for customer_id in body.customer_ids:
            caller.require_customer(customer_id)
        now = self._kit.clock.now()
        job_id = new_id("job")
        job = {
            "id": job_id,
            "template_id": template_id,
            "status": "running",
            "reason": body.reason,
            "actor": f"key:{caller.key_id}",
            "total": len(body.customer_ids),
            "issued": 0,
            "refused": 0,
            "created_at": now,
            "started_at": now,
            "updated_at": now,
        }
        targets = [
            {"job_id": job_id, "position": position, "customer_id": customer_id, "coupon_id": None, "code": None}
            for position, customer_id in enumerate(body.customer_ids)
        ]
        async with self._kit.db.write() as tx:
            if await templates.find(tx, template_id) is None:
                raise refusal("not_found")
            await tx.execute(insert(JOB), job)
            await tx.execute(insert(TARGET), targets)
            tx.after_commit(self.loop.wake.set)
            return await self._view(tx, await self._find(tx, job_id))

    async def get(self, job_id: str) -> JobView:
        async with self._kit.db.read() as tx:
            return await self._view(tx, await self._find(tx, job_id))

    async def page(self, paging: Paging, status: str | None, template_id: str | None) -> Page[JobView]:
        chosen = select(JOB)
        if status is not None:
            chosen = chosen.where(JOB.c.status == status)
        if template_id is not None:
            chosen = chosen.where(JOB.c.template_id == template_id)
        async with self._kit.db.read() as tx:
            rows = await fetch_page(tx, chosen, JOB.c.id, paging, lambda row: row)
            views = [await self._view(tx, row) for row in rows.data]
        return Page[JobView](data=views, has_more=rows.has_more, next_cursor=rows.next_cursor)

    async def results(self, job_id: str, paging: Paging) -> Page[JobResult]:
        """What became of each customer, in the order of the list."""
        async with self._kit.db.read() as tx:
            await self._find(tx, job_id)
            chosen = select(TARGET).where(TARGET.c.job_id == job_id)
            return await fetch_page(tx, chosen, TARGET.c.position, paging, _result, ascending=True)

    async def work(self) -> bool:
        """Serve the next chunk of one job. True when there was one: more may wait."""
        running = JOB.c.status == "running"
        async with self._kit.db.read() as tx:
            if (await tx.execute(select(JOB.c.id).where(running).limit(1))).first() is None:
                return False
        now = self._kit.clock.now()
        async with self._kit.db.write() as tx:
            # The job's row stays locked until the commit: nobody else works on it, and a crash leaves it as it was.
            claimed = await claim_due(
                tx, JOB, where=running, order_by=JOB.c.id, limit=1, values={"updated_at": now}, returning=list(JOB.c)
            )
            if claimed:
                await self._chunk(tx, claimed[0], now)
        return bool(claimed)

    async def _chunk(self, tx: Transaction, job: Row[Any], now: datetime) -> None:
        waiting = TARGET.c.coupon_id.is_(None) & TARGET.c.code.is_(None)
        chosen = select(TARGET).where(TARGET.c.job_id == job.id, waiting).order_by(TARGET.c.position)
        targets = (await tx.execute(chosen.limit(self._chunk_size))).all()
        answers = await self._granting.grant(
            tx, [Wish(job.template_id, target.customer_id, "direct", job.actor, job.reason) for target in targets]
        )
        outcomes = []
        for target, answer in zip(targets, answers, strict=True):
            granted = isinstance(answer, Granted)
            outcomes.append(
                {
                    "of_job": job.id,
                    "at": target.position,
                    "coupon_id": answer.coupon_id if isinstance(answer, Granted) else None,
                    "code": None if granted else getattr(answer, "code", None),
                }
            )
        if outcomes:
            await tx.execute(_SETTLE, outcomes)
        issued = sum(outcome["coupon_id"] is not None for outcome in outcomes)
        counted = {"issued": JOB.c.issued + issued, "refused": JOB.c.refused + len(outcomes) - issued}
        done = job.issued + job.refused + len(outcomes) == job.total
        status = "done" if done else "running"
        await tx.execute(update(JOB).where(JOB.c.id == job.id).values(**counted, status=status, updated_at=now))

    async def _find(self, tx: Transaction, job_id: str) -> Row[Any]:
        row = (await tx.execute(select(JOB).where(JOB.c.id == job_id))).one_or_none()
        if row is None:
            raise NotFound("not_found", "There is no coupon job with this id.")
        return row

    async def _view(self, tx: Transaction, row: Row[Any]) -> JobView:
        chosen = (
            select(TARGET.c.code, func.count().label("number"))
            .where(TARGET.c.job_id == row.id, TARGET.c.code.is_not(None))
            .group_by(TARGET.c.code)
        )
        refused_by = {found.code: found.number for found in await tx.execute(chosen)} if row.refused else {}
        return JobView(**{**row._mapping, "refused_by": refused_by})


_SETTLE = (
    update(TARGET)
    .where(TARGET.c.job_id == bindparam("of_job"), TARGET.c.position == bindparam("at"))
    .values(coupon_id=bindparam("coupon_id"), code=bindparam("code"))
)


def _result(row: Row[Any]) -> JobResult:
    outcome = "issued" if row.coupon_id else "refused" if row.code else "waiting"
    return JobResult(
        position=row.position, customer_id=row.customer_id, outcome=outcome, coupon_id=row.coupon_id, code=row.code
    )
