"""One attempt: sent, judged, recorded. Whatever comes of it is on record, so that none is repeated for ever."""

import random
import time

from gateway import rotation
from gateway.settings import GatewaySettings
from gateway.webhooks_out import repository
from gateway.webhooks_out.models import Delivery
from gateway.webhooks_out.records import AttemptRecords, AttemptResult, EndedAttempt
from gateway.webhooks_out.repository import Target
from gateway.webhooks_out.rules import may_hear
from gateway.webhooks_out.sealed import Sealing
from shared.http import EgressClient, EgressError
from shared.observability.logging import get_logger
from shared.service import Kit
from shared.webhook_answers import Retries, Verdict, judge
from shared.webhooks import signed_headers

_ANSWER_KEPT, _HEADER_KEPT = 1000, 200
_SHOWN = ("content-type", "content-length", "date", "retry-after", "server", "x-request-id")
"""Of an answer's head, what helps and can hold no secret."""


class Delivering:
    """Makes the attempt of a delivery that was claimed."""

    def __init__(self, kit: Kit, settings: GatewaySettings, egress: EgressClient, recording: AttemptRecords) -> None:
        self._db = kit.db
        self._clock = kit.clock
        self._egress = egress
        self._recording = recording
        self._sealing = Sealing(kit.secret)
        self._retries = Retries(settings.webhooks_out_schedule_seconds, settings.webhooks_out_jitter)
        self._chance = random.Random()  # noqa: S311 - spreads retries, guards nothing
        self._log = get_logger(part="webhooks_out")

    async def deliver(self, endpoint: Target, row: Delivery, body: bytes) -> None:
        """Send, and write down what came of it."""
        if not may_hear(endpoint.scopes, row.event_type):
            return await self._withhold(row)
        started = time.perf_counter()
        try:
            result = await self._send(endpoint, row, body)
            await self._record(endpoint, row, result, self._judged(row, result))
            return
        except Exception as error:
            self._log.exception("webhook attempt ended unexpectedly", delivery_id=row.id)
            kind = type(error).__name__
        result = AttemptResult(_since(started), error=f"The attempt ended in a way that is unexpected: {kind}.")
        try:
            await self._record(endpoint, row, result, self._judged(row, result))
        except Exception as error:
            # The lease runs out and the same id is sent again: late and twice is better than never.
            self._log.warning("webhook attempt not recorded", delivery_id=row.id, error=type(error).__name__)

    async def _withhold(self, row: Delivery) -> None:
        """Not sent: since it was made, somebody with a lesser key has turned the endpoint elsewhere."""
        why = f"The endpoint's scopes do not cover {row.event_type} any more."
        values = {"status": "failed", "next_attempt_at": None, "last_error": why, "finished_at": self._clock.now()}
        async with self._db.write() as tx:
            await repository.settle(tx, row.id, row.lease, values)

    async def _send(self, endpoint: Target, row: Delivery, body: bytes) -> AttemptResult:
        now, started = self._clock.now(), time.perf_counter()
        headers = {"content-type": "application/json", "user-agent": "Quanyu-Webhooks/1"}
        headers |= self._sealing.opened_headers(endpoint.id, endpoint.headers)
        keys = self._sealing.opened_keys(endpoint.id, rotation.live(endpoint.signing_keys, now))
        headers |= signed_headers(rotation.live(endpoint.secrets, now), row.event_id, now, body, keys)
        try:
            reply = await self._egress.post(endpoint.url, headers=headers, content=body)
        except EgressError as failure:
            return AttemptResult(_since(started), error=failure.reason)
        answer = reply.body[:_ANSWER_KEPT].decode("utf-8", "replace").replace("\x00", "")
        head = {name: reply.headers[name][:_HEADER_KEPT] for name in _SHOWN if name in reply.headers}
        return AttemptResult(_since(started), reply.status, None, answer, reply.headers.get("retry-after"), head)

    def _judged(self, row: Delivery, result: AttemptResult) -> Verdict:
        return judge(
            result.status,
            result.retry_after,
            done=row.round + 1,
            retries=self._retries,
            chance=self._chance.random(),
            now=self._clock.now(),
        )

    async def _record(self, endpoint: Target, row: Delivery, result: AttemptResult, verdict: Verdict) -> None:
        await self._recording.record(EndedAttempt(endpoint, row, result, verdict, self._clock.now()))


def _since(started: float) -> int:
    return int((time.perf_counter() - started) * 1000)
