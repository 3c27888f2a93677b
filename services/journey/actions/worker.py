"""Posts webhook messages: at least once, always under the same message id, with bounded tries.

Committed as `claimed` before the call: a worker that dies leaves a claim, which is taken up again after its lease.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from random import Random

from pydantic_core import to_json

from services.journey.actions import repository
from services.journey.actions.messages import outcome
from services.journey.actions.models import EffectRow
from services.journey.settings import JourneySettings
from services.journey.templates.repository import read_endpoint
from shared.db import Transaction, as_dict, seconds_until
from shared.http import EgressClient, EgressFailed, EgressRefused
from shared.service import Kit
from shared.web.schemas import rfc3339
from shared.webhook_answers import Retries, judge
from shared.webhooks import signed_headers

BATCH = 20
_MOST = 400
_MOST_OF_ONE = 4
_PATIENCE = 1.0
_LONGEST_WAIT = 3600.0
_JITTER = 0.2
WhyEnded = Callable[[Transaction, str], Awaitable[str | None]]
"""Why the run with this id was ended before its end, such as `run_exited: exit_event`; None when it was not."""


class WebhookWorker:
    """One for the service; any number of processes may run it.

    Posts that take long go on beside the next rounds. While a template has several of them its other messages wait, and
    nobody else's: an endpoint that says nothing keeps no other waiting.
    """

    def __init__(self, kit: Kit, settings: JourneySettings, egress: EgressClient, why_ended: WhyEnded) -> None:
        self._kit = kit
        self._settings = settings
        self._egress = egress
        self._why_ended = why_ended
        growing = (min(2.0 * 4**done, _LONGEST_WAIT) for done in range(settings.webhook_attempts - 1))
        self._retries = Retries((0.0, *growing), _JITTER)
        self._chance = Random()  # noqa: S311 - spreads retries, guards nothing
        self.wake = asyncio.Event()
        self._posting: dict[asyncio.Task[None], str | None] = {}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Gives up what is being posted when the service stops: its claim runs out."""
        try:
            yield
        finally:
            for task in self._posting:
                task.cancel()
            await asyncio.gather(*self._posting, return_exceptions=True)

    async def tick(self) -> bool | float | None:
        """Posts one batch side by side; True when there may be more, else the seconds until the next is due, if one will be."""
        if len(self._posting) > _MOST - BATCH:
            await asyncio.wait(self._posting, timeout=_PATIENCE, return_when=asyncio.FIRST_COMPLETED)
            return False
        rows = await self._claim()
        tasks = [asyncio.create_task(self._post(row), name=f"webhook message {row.id}") for row in rows]
        for task, row in zip(tasks, rows, strict=True):
            self._posting[task] = row.template_id
            task.add_done_callback(self._ended)
        if tasks:
            await asyncio.wait(tasks, timeout=_PATIENCE)
        return len(rows) == BATCH or await self._until_next()

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._posting[task]
        self.wake.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            # Its claim runs out and counts as an attempt, so that nothing is posted for ever.
            self._kit.log.error("webhook message not settled", error=type(error).__name__, exc_info=error)

    async def _until_next(self) -> float | None:
        async with self._kit.db.read() as tx:
            at = await repository.next_message(tx, "webhook", self._busy())
        return seconds_until(at, self._kit.clock.now())

    def _busy(self) -> list[str]:
        counted = Counter(self._posting.values())
        return [template_id for template_id, many in counted.items() if template_id and many >= _MOST_OF_ONE]

    async def _claim(self) -> list[EffectRow]:
        lease = timedelta(seconds=2 * self._settings.webhook_timeout_seconds + 10)
        async with self._kit.db.write() as tx:
            return await repository.claim_messages(tx, "webhook", self._busy(), self._kit.clock.now(), lease, BATCH)

    async def _post(self, row: EffectRow) -> None:
        async with self._kit.db.read() as tx:
            ended = await self._why_ended(tx, row.run_id)
            endpoint = await read_endpoint(tx, row.template_id)
        if ended is not None and row.attempts == 1:
            return await self._settle(row, "suppressed", ended)
        if row.attempts > self._settings.webhook_attempts:
            return await self._settle(row, "unknown", "the worker was lost while posting, too many times")
        url = str(row.payload["url"] or endpoint.url)  # nothing is published without one of them
        body = _body(row)
        headers = signed_headers([endpoint.secret], row.id, self._kit.clock.now(), body)
        try:
            answer = await self._egress.post(url, headers={**headers, "content-type": "application/json"}, content=body)
        except EgressRefused as error:
            return await self._settle(row, "failed", error.reason)
        except EgressFailed as error:
            return await self._judge(row, error.reason, None, None)
        told = "410 Gone" if answer.status == 410 else str(answer.status)
        await self._judge(row, f"the endpoint answered {told}", answer.status, answer.headers.get("retry-after"))

    async def _judge(self, row: EffectRow, reason: str, status: int | None, retry_after: str | None) -> None:
        now, chance = self._kit.clock.now(), self._chance.random()
        verdict = judge(status, retry_after, done=row.attempts, retries=self._retries, chance=chance, now=now)
        if verdict.outcome == "delivered":
            return await self._settle(row, "sent", None)
        if verdict.retry_at is None:
            return await self._settle(row, "failed", reason)
        values = {"status": "planned", "due_at": verdict.retry_at, "reason": reason[:300], "updated_at": now}
        async with self._kit.db.write() as tx:
            await repository.update_claimed(tx, row, values)

    async def _settle(self, row: EffectRow, status: str, reason: str | None) -> None:
        now = self._kit.clock.now()
        cut = None if reason is None else reason[:300]
        values = {"status": status, "reason": cut, "due_at": None, "updated_at": now}
        async with self._kit.db.write() as tx:
            if await repository.update_claimed(tx, row, values):
                await self._kit.outbox.publish(tx, [outcome({**as_dict(row), **values})])


def _body(row: EffectRow) -> bytes:
    """Byte for byte the same at every try."""
    data = {
        "message_id": row.id,
        "customer_id": row.customer_id,
        "journey_id": row.journey_id,
        "run_id": row.run_id,
        "subject": row.payload["subject"],
        "body": row.payload["body"],
    }
    return to_json({"type": "journey.message", "timestamp": rfc3339(row.created_at), "data": data})
