"""A delivery's way: proven, translated, then written down and published in one transaction, and only then acknowledged."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Literal

from gateway.limits.rate_limits import RateLimits
from gateway.metrics import WEBHOOKS_IN_RECEIVED, WEBHOOKS_IN_UNPROVEN
from gateway.webhooks_in import replay_repository, repository
from gateway.webhooks_in.decisions import PAUSED, Decided, decide
from gateway.webhooks_in.repository import PostedTo
from gateway.webhooks_in.schemas import HookAnswer
from gateway.webhooks_in.schemes import SCHEMES, Answer, Posted, Proven, Scheme, Secret, Told
from gateway.webhooks_in.sealed import SealedBodies, SealedSecrets
from shared.batching import GroupCommit
from shared.contracts import OrderEvent
from shared.db import Transaction
from shared.ids import new_id
from shared.observability.context import current_cause
from shared.observability.logging import get_logger
from shared.service import Kit
from shared.web import Unauthorized, Unavailable, Unprocessable
from shared.webhooks import SignatureInvalid

_PAUSE_SECONDS = 300
_HASH_KEPT = 16
_LARGEST_KEPT = 256 * 1024
_NOBODYS_SCHEME = "standard"


@dataclass(slots=True)
class _Failures:
    """Unproven deliveries of one source since they were last written down."""

    count: int
    at: datetime
    why: str


@dataclass(frozen=True, slots=True)
class _Taken:
    """A delivery on its way into the database: its row, its message, and the request that brought it."""

    row: dict[str, Any]
    body: dict[str, Any] | None
    event: OrderEvent | None
    correlation: str | None


class Accepting:
    """`accept` is the use case, `note_failures` the body of a loop. Hold `group.running()` open meanwhile.

    Deliveries that arrive together share one transaction: on a promotion day the order system tells hundreds a second.
    """

    def __init__(self, kit: Kit, rates: RateLimits, *, keeps_bodies: bool = True) -> None:
        self._db = kit.db
        self._clock = kit.clock
        self._outbox = kit.outbox
        self._rates = rates
        self._secrets = SealedSecrets(kit)
        self._bodies = SealedBodies(kit)
        self._keeps_bodies = keeps_bodies
        self.group: GroupCommit[Sequence[_Taken], list[bool]] = GroupCommit("gateway.webhooks_in", kit.db, self._commit)
        self._failures: dict[str, _Failures] = {}
        self._nobodys_secret: Secret = SCHEMES[_NOBODYS_SCHEME].new_secret() or {}
        self._log = get_logger(part="webhooks_in")

    async def accept(self, source_id: str, delivery: Posted, address: str) -> Answer | HookAnswer:
        """Take a delivery that `address` sent, and answer as the platform expects, ours where it expects nothing.

        Raises Unauthorized for what is not proven, Unavailable while the source is paused, and for a partner's own system
        Unprocessable for what its mapping can't read; the last two are written down and decided anew when they come again.
        """
        source, proven = await self._proven(source_id, delivery, address)
        decided = [
            (told, PAUSED if source.status == "paused" else decide(source.maps_to, source.owner_id, told.body))
            for told in proven.told
        ]
        fresh = await self.group.submit([self._taken(source, told, decision) for told, decision in decided])
        outcomes = [
            decision.outcome if is_fresh else "duplicate"
            for (_, decision), is_fresh in zip(decided, fresh, strict=True)
        ]
        for outcome in outcomes:
            WEBHOOKS_IN_RECEIVED.labels(outcome).inc()
        if "paused" in outcomes:
            raise Unavailable(
                "source_paused", "This source is paused; send again.", headers={"Retry-After": str(_PAUSE_SECONDS)}
            )
        scheme = SCHEMES[source.scheme]
        for (_, decision), outcome in zip(decided, outcomes, strict=True):
            if outcome == "refused":
                self._refused(source, decision, scheme)
        status: Literal["accepted", "duplicate", "ignored"] = "ignored"
        if outcomes[0] in ("accepted", "duplicate"):
            status = "accepted" if outcomes[0] == "accepted" else "duplicate"
        return scheme.answer(proven, self._clock.now()) or HookAnswer(status=status)

    async def echo(self, source_id: str, delivery: Posted, address: str) -> Answer:
        """Answer a platform that asks whether this URL is ours. Raises Unauthorized for a question that is not proven."""
        async with self._db.read() as tx:
            source = await repository.find_posted_to(tx, source_id, self._clock.now())
        try:
            scheme, live = self._known(source)
            answer = scheme.echo(live, delivery, self._clock.now())
        except SignatureInvalid as invalid:
            raise self._unproven(source, invalid.reason, address) from None
        if source is None:
            raise self._unproven(None, "no such source", address)
        return answer

    async def _proven(self, source_id: str, delivery: Posted, address: str) -> tuple[PostedTo, Proven]:
        async with self._db.read() as tx:
            source = await repository.find_posted_to(tx, source_id, self._clock.now())
        try:
            scheme, live = self._known(source)
            proven = scheme.prove(live, delivery, self._clock.now())
        except SignatureInvalid as invalid:
            raise self._unproven(source, invalid.reason, address) from None
        if source is None:
            raise self._unproven(None, "no such source", address)
        return source, proven

    def _known(self, source: PostedTo | None) -> tuple[Scheme, Sequence[Secret]]:
        """How to prove, and with what. An unknown source costs as much as a wrong secret."""
        if source is None:
            return SCHEMES[_NOBODYS_SCHEME], [self._nobodys_secret]
        return SCHEMES[source.scheme], self._secrets.live(source.secrets, source.id, self._clock.now())

    def _refused(self, source: PostedTo, decision: Decided, scheme: Scheme) -> None:
        self._log.warning("webhook refused", source_id=source.id, code=decision.code)
        if not scheme.acknowledges_refused:
            raise Unprocessable(str(decision.code), f"{decision.detail} Mend the source's maps_to, then send again.")

    def _unproven(self, source: PostedTo | None, why: str, address: str) -> Unauthorized:
        """Count it and answer the one refusal for every reason. Raises TooManyRequests instead for one failure too many."""
        source_id = None if source is None else source.id
        WEBHOOKS_IN_UNPROVEN.inc()
        self._log.info("webhook not proven", source_id=source_id, reason=why)
        if source_id is not None:
            before = self._failures.get(source_id)
            self._failures[source_id] = _Failures(before.count + 1 if before else 1, self._clock.now(), why)
        self._rates.count_failure(address)
        return Unauthorized(
            "delivery_not_proven",
            "This delivery is not proven: check the URL, the secret, the signature's headers and the clock.",
            headers={"WWW-Authenticate": 'Signature realm="quanyu"'},
        )

    def _taken(self, source: PostedTo, told: Told, decision: Decided) -> _Taken:
        now, event = self._clock.now(), decision.event
        row = {
            "id": new_id("whr"),
            "source_id": source.id,
            "delivery_id": told.delivery_id,
            **decision.columns(),
            "body_hash": hashlib.sha256(told.body).hexdigest()[:_HASH_KEPT],
            "received_at": now,
            "last_at": now,
            "times": 1,
        }
        return _Taken(row, self._kept(source, told, now), event, current_cause.get().correlation_id)

    def _kept(self, source: PostedTo, told: Told, now: datetime) -> dict[str, Any] | None:
        """The message as it is kept for a replay; None for one that is too large, or where none is kept."""
        if not self._keeps_bodies or len(told.body) > _LARGEST_KEPT:
            return None
        sealed = self._bodies.sealed(told.body, source.id, told.delivery_id)
        return {"source_id": source.id, "delivery_id": told.delivery_id, "body": sealed, "kept_at": now}

    async def _commit(self, tx: Transaction, deliveries: Sequence[Sequence[_Taken]]) -> list[list[bool]]:
        """Write deliveries down and publish what they became. False for each message that was accepted before."""
        taken = [one for delivery in deliveries for one in delivery]
        fresh = await repository.insert_received(tx, [one.row for one in taken])
        new = [one for one, is_fresh in zip(taken, fresh, strict=True) if is_fresh]
        await replay_repository.keep_bodies(tx, [one.body for one in new if one.body is not None])
        told = [one for one in new if one.event is not None]
        events = [one.event for one in told if one.event is not None]
        ids = await self._outbox.publish(tx, events, correlations=[one.correlation for one in told])
        await repository.update_messages(
            tx,
            [
                (one.row["source_id"], one.row["delivery_id"], message_id)
                for one, message_id in zip(told, ids, strict=True)
            ],
        )
        answers = iter(fresh)
        return [list(islice(answers, len(delivery))) for delivery in deliveries]

    async def note_failures(self) -> None:
        """Write down how many deliveries were not proven since the last round: one statement a source, whoever floods it."""
        failures, self._failures = self._failures, {}
        if not failures:
            return
        try:
            async with self._db.write() as tx:
                for source_id, seen in sorted(failures.items()):
                    await repository.count_failures(tx, source_id, seen.count, seen.at, seen.why)
        except BaseException:
            for source_id, seen in failures.items():
                later = self._failures.get(source_id, _Failures(0, seen.at, seen.why))
                self._failures[source_id] = _Failures(seen.count + later.count, later.at, later.why)
            raise
