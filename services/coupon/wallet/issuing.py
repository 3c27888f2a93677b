"""The worker of direct issue 批量发券: jobs are worked off in chunks, each one transaction, that a kill can't tear."""

import time
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Row, String, func, insert, literal, select, update

from services.coupon.audience.repository import members
from services.coupon.wallet.granting import Granting
from services.coupon.wallet.jobs import end
from services.coupon.wallet.models import IssueJob, IssueTarget
from services.coupon.wallet.receiving import BROKEN_OFF
from services.coupon.wallet.rules import next_chunk
from services.coupon.wishes import Granted, Wish
from shared.db import Transaction, claim_due, update_bulk
from shared.service import Kit, Loop
from shared.web import Problem

_FIRST_CHUNK = 200
_LIST_CHUNK = 5_000
_PATIENCE = timedelta(minutes=10)
"""After which a list that stopped coming in will not go on: the process that received it is gone."""
_WORK = ("listing", "running")


class IssueWorker:
    """Serves the next chunk of the job that waits longest, so that jobs go on side by side."""

    def __init__(self, kit: Kit, granting: Granting, most: int) -> None:
        self._kit = kit
        self._granting = granting
        self._most = most
        self._size = min(_FIRST_CHUNK, most)
        self.loop = Loop("issue jobs", self.work, 5.0)

    def wake(self) -> None:
        self.loop.wake.set()

    async def work(self) -> bool:
        """One chunk of one job. True when there was one: more may wait."""
        now = self._kit.clock.now()
        lost = (IssueJob.c.status == "receiving") & (IssueJob.c.updated_at <= now - _PATIENCE)
        async with self._kit.db.read() as tx:
            waiting = IssueJob.c.status.in_(_WORK)
            if (await tx.execute(select(IssueJob.c.id).where(waiting | lost).limit(1))).first() is None:
                return False
        started = time.monotonic()
        async with self._kit.db.write() as tx:
            # The job's row stays locked until the commit: nobody else works on it, and a crash leaves it as it was.
            values = {"updated_at": now}
            claimed = await claim_due(
                tx, IssueJob, where=waiting, order_by=IssueJob.c.updated_at, limit=1, values=values
            )
            if not claimed:
                for row in await claim_due(
                    tx, IssueJob, where=lost, order_by=IssueJob.c.updated_at, limit=10, values=values
                ):
                    await end(tx, row.id, BROKEN_OFF, now)
                return False
            served = await (self._list if claimed[0].status == "listing" else self._chunk)(tx, claimed[0], now)
        if served == self._size:
            self._size = next_chunk(self._size, time.monotonic() - started, self._most)
        return True

    async def _list(self, tx: Transaction, job: IssueJob, now: datetime) -> int:
        """Copy the next members of the segment into the job, in the order of their ids."""
        part = members(str(job.segment_id), job.listed).limit(_LIST_CHUNK).subquery()
        number = func.row_number().over(order_by=part.c.customer_id)
        rows = select(literal(job.id, String), literal(job.total - 1, BigInteger) + number, part.c.customer_id)
        listed = await tx.execute(insert(IssueTarget.table).from_select(["job_id", "position", "customer_id"], rows))
        total = job.total + listed.rowcount
        last = select(IssueTarget.c.customer_id).where(
            IssueTarget.c.job_id == job.id, IssueTarget.c.position == total - 1
        )
        values: dict[str, Any] = {"total": total, "listed": await tx.scalar(last)}
        if listed.rowcount < _LIST_CHUNK:
            values |= {"status": "running" if total else "done", "started_at": now}
        await tx.execute(update(IssueJob.table).where(IssueJob.c.id == job.id).values(**values))
        return 0

    async def _chunk(self, tx: Transaction, job: IssueJob, now: datetime) -> int:
        """Issue to the next customers of the list. Answers how many were served."""
        served = job.issued + job.refused
        # Positions run from 0 without gaps and are served in order: no search for those that wait.
        chosen = select(IssueTarget.table).where(IssueTarget.c.job_id == job.id, IssueTarget.c.position >= served)
        targets = (await tx.execute(chosen.order_by(IssueTarget.c.position).limit(self._size))).all()
        wishes = [
            Wish(
                template_id=job.template_id,
                customer_id=target.customer_id,
                source="direct",
                actor=job.actor,
                reason=job.reason,
            )
            for target in targets
        ]
        answers = await self._granting.grant(tx, wishes)
        outcomes = [_outcome(target, answer) for target, answer in zip(targets, answers, strict=True)]
        match = {"job_id": "job_id", "position": "position"}
        settled = {"coupon_id": "given.coupon_id", "code": "given.code"}
        await update_bulk(tx, IssueTarget.table, outcomes, match=match, values=settled)
        codes = Counter(outcome["code"] for outcome in outcomes if outcome["code"])
        values = {
            "issued": job.issued + len(outcomes) - codes.total(),
            "refused": job.refused + codes.total(),
            "refused_by": dict(Counter(job.refused_by) + codes),
            "status": "done" if served + len(outcomes) == job.total else "running",
            "updated_at": now,
        }
        await tx.execute(update(IssueJob.table).where(IssueJob.c.id == job.id).values(**values))
        return len(outcomes)


def _outcome(target: Row[Any], answer: Granted | Problem) -> dict[str, Any]:
    return {
        "job_id": target.job_id,
        "position": target.position,
        "coupon_id": answer.coupon_id if isinstance(answer, Granted) else None,
        "code": answer.code if isinstance(answer, Problem) else None,
    }
