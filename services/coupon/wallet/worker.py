"""The worker of direct issue 批量发券: jobs are worked off in chunks, each one transaction, that a kill can't tear."""

import time
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from services.coupon.wallet import job_repository
from services.coupon.wallet.granting import Granting
from services.coupon.wallet.models import IssueJob, IssueTarget
from services.coupon.wallet.rules import next_chunk
from services.coupon.wallet.upload import BROKEN_OFF
from services.coupon.wishes import Granted, Wish
from shared.db import Transaction
from shared.loops import Loop
from shared.service import Kit
from shared.web import Problem

_FIRST_CHUNK = 200
_LIST_CHUNK = 5_000
_PATIENCE = timedelta(minutes=10)
"""After which a list that stopped coming in will not go on: the process that received it is gone."""


class IssueWorker:
    """Serves the next chunk of the job that waits longest, so that jobs go on side by side."""

    def __init__(self, kit: Kit, granting: Granting, most: int) -> None:
        self._kit = kit
        self._granting = granting
        self._most = most
        self._size = min(_FIRST_CHUNK, most)
        self.loop = Loop("work off issue jobs", self.tick, 5.0)

    def wake(self) -> None:
        """There is something to do."""
        self.loop.wake.set()

    async def tick(self) -> bool:
        """One chunk of one job. True when there was one: more may wait."""
        now = self._kit.clock.now()
        async with self._kit.db.read() as tx:
            if not await job_repository.is_waiting(tx, now - _PATIENCE):
                return False
        started = time.monotonic()
        async with self._kit.db.write() as tx:
            # The job's row stays locked until the commit: nobody else works on it, and a crash leaves it as it was.
            job = await job_repository.claim(tx, now)
            if job is None:
                for lost in await job_repository.claim_lost(tx, now - _PATIENCE, now):
                    await job_repository.cancel(tx, lost.id, BROKEN_OFF, now)
                return False
            served = await (self._list if job.status == "listing" else self._chunk)(tx, job, now)
        if served == self._size:
            self._size = next_chunk(self._size, time.monotonic() - started, self._most)
        return True

    async def _list(self, tx: Transaction, job: IssueJob, now: datetime) -> int:
        """Copy the next members of the segment into the job."""
        listed, last = await job_repository.append_members(tx, job, _LIST_CHUNK)
        values: dict[str, Any] = {"total": job.total + listed, "listed": last}
        if listed < _LIST_CHUNK:
            values |= {"status": "running" if values["total"] else "done", "started_at": now}
        await job_repository.update_job(tx, job.id, values)
        return 0

    async def _chunk(self, tx: Transaction, job: IssueJob, now: datetime) -> int:
        """Issue to the next customers of the list. Answers how many were served."""
        served = job.issued + job.refused
        # Positions run from 0 without gaps and are served in order: no search for those that wait.
        targets = await job_repository.targets(tx, job.id, served, self._size)
        sound = [target for target in targets if target.code is None]
        wishes = [
            Wish(
                template_id=job.template_id,
                customer_id=target.customer_id,
                source="direct",
                actor=job.actor,
                reason=job.reason,
                owner_id=job.owner_id,
            )
            for target in sound
        ]
        answers = await self._granting.grant(tx, wishes)
        outcomes = [_outcome(target, answer) for target, answer in zip(sound, answers, strict=True)]
        await job_repository.update_targets(tx, outcomes)
        codes = Counter(outcome["code"] for outcome in outcomes if outcome["code"])
        codes += Counter(target.code for target in targets if target.code)
        values = {
            "issued": job.issued + len(targets) - codes.total(),
            "refused": job.refused + codes.total(),
            "refused_by": dict(Counter(job.refused_by) + codes),
            "status": "done" if served + len(targets) == job.total else "running",
            "updated_at": now,
        }
        await job_repository.update_job(tx, job.id, values)
        return len(targets)


def _outcome(target: IssueTarget, answer: Granted | Problem) -> dict[str, Any]:
    return {
        "job_id": target.job_id,
        "position": target.position,
        "coupon_id": answer.coupon_id if isinstance(answer, Granted) else None,
        "code": answer.code if isinstance(answer, Problem) else None,
    }
