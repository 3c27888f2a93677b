"""Deciding kept deliveries anew: one, or the failures of a time, after a mapping was mended or an order became known."""

from collections.abc import Sequence

from pydantic_core import from_json

from gateway.audit_log.log import AuditLog
from gateway.webhooks_in import replay_repository, repository
from gateway.webhooks_in.decisions import Decided, decide
from gateway.webhooks_in.hidden import masked
from gateway.webhooks_in.maps_to import MapsTo
from gateway.webhooks_in.models import Received, Source
from gateway.webhooks_in.problems import must_be_able, source_found
from gateway.webhooks_in.replay_repository import Kept, ReceivedWindow
from gateway.webhooks_in.schemas import ReceivedDetail, ReceivedView, SourceReplayIn, SourceReplayView
from gateway.webhooks_in.sealed import SealedBodies
from shared.db import Transaction
from shared.service import Kit
from shared.web import Caller, Conflict, NotFound, invalid

_AT_ONCE = 200
_MOST = 10_000
_OUTCOMES = {
    "failed": ("refused", "ignored", "paused"),
    "refused": ("refused",),
    "ignored": ("ignored",),
    "paused": ("paused",),
    "all": ("refused", "ignored", "paused", "accepted"),
}


class ReplayingReceived:
    """A message keeps its row and its id. What was accepted before is told again, and has its effect once as ever."""

    def __init__(self, kit: Kit, log: AuditLog) -> None:
        self._db = kit.db
        self._clock = kit.clock
        self._outbox = kit.outbox
        self._bodies = SealedBodies(kit)
        self._log = log

    async def read(self, caller: Caller, received_id: str) -> ReceivedDetail:
        """One delivery with its body, masked. Raises NotFound."""
        async with self._db.read() as tx:
            row = _found(await replay_repository.find_received(tx, received_id, caller))
            kept = await replay_repository.find_body(tx, row.source_id, row.delivery_id)
        plain = None if kept is None else self._bodies.opened(kept, row.source_id, row.delivery_id)
        shown = ReceivedView.model_validate(row).model_dump()
        try:
            body = None if plain is None else masked(from_json(plain))
        except ValueError:
            body = None  # it was no JSON; `code` says so
        return ReceivedDetail(**shown, body_kept=plain is not None, body=body)

    async def replay(self, caller: Caller, received_id: str) -> ReceivedView:
        """Decide one anew. Raises NotFound, Forbidden, Conflict where its body is gone or its source is paused."""
        async with self._db.write() as tx:
            row = _found(await replay_repository.find_received(tx, received_id, caller))
            source = await self._source(tx, row.source_id, caller)
            kept = await replay_repository.lock_kept(tx, received_id)
            plain = None if kept is None else self._bodies.opened(kept.body, kept.source_id, kept.delivery_id)
            if kept is None or plain is None:
                raise Conflict(
                    "body_gone", "The body of this delivery is not kept any more: have its sender send it again."
                )
            (decision,) = await self._again(tx, source, [(kept, plain)])
            await self._log.record(
                tx, caller, "webhook_source.replay", source.id, received_id=received_id, outcome=decision.outcome
            )
            return ReceivedView.model_validate(_found(await replay_repository.find_received(tx, received_id, caller)))

    async def replay_window(self, caller: Caller, source_id: str, wanted: SourceReplayIn) -> SourceReplayView:
        """Decide the kept messages of a time anew, the oldest first, in short transactions. Raises as `replay`.

        A window takes none twice; one with a later `until` takes again what still fails.
        """
        started = self._clock.now()
        until = min(wanted.until or started, started)
        if wanted.since > until:
            raise invalid("#/since", "window_empty", "since must lie before until, and not in the future.")
        window = ReceivedWindow(source_id, wanted.since, until, _OUTCOMES[wanted.outcome])
        count, accepted, more = 0, 0, True
        while more and count < _MOST:
            async with self._db.write() as tx:
                source = await self._source(tx, source_id, caller)
                rows = await replay_repository.lock_window(tx, window, _AT_ONCE)
                more = len(rows) == _AT_ONCE
                decisions = await self._again(tx, source, self._readable(rows))
                await replay_repository.touch_replayed(tx, [row.id for row in rows], started)
                count += len(rows)
                accepted += sum(one.outcome == "accepted" for one in decisions)
                if not more or count >= _MOST:
                    await self._log.record(
                        tx,
                        caller,
                        "webhook_source.replay",
                        source_id,
                        outcome=wanted.outcome,
                        count=count,
                        accepted=accepted,
                    )
        return SourceReplayView(
            source_id=source_id,
            since=wanted.since,
            until=until,
            outcome=wanted.outcome,
            count=count,
            accepted=accepted,
            more=more,
        )

    def _readable(self, rows: Sequence[Kept]) -> list[tuple[Kept, bytes]]:
        opened = [(row, self._bodies.opened(row.body, row.source_id, row.delivery_id)) for row in rows]
        return [(row, plain) for row, plain in opened if plain is not None]

    async def _source(self, tx: Transaction, source_id: str, caller: Caller) -> Source:
        source = source_found(await repository.find_source(tx, source_id, caller))
        must_be_able(caller, MapsTo.model_validate(source.maps_to))
        if source.status == "paused":
            raise Conflict("source_paused", "This source is paused: resume it, then replay.")
        return source

    async def _again(self, tx: Transaction, source: Source, rows: Sequence[tuple[Kept, bytes]]) -> list[Decided]:
        """Decide, write down, publish: all in this transaction, whose rows are held."""
        now = self._clock.now()
        decisions = [decide(source.maps_to, source.owner_id, plain) for _, plain in rows]
        told = [(row, one.event) for (row, _), one in zip(rows, decisions, strict=True) if one.event is not None]
        ids = await self._outbox.publish(tx, [event for _, event in told])
        messages = {row.id: message_id for (row, _), message_id in zip(told, ids, strict=True)}
        for (row, _), decision in zip(rows, decisions, strict=True):
            values = decision.columns() | {"message_id": messages.get(row.id), "replayed_at": now}
            await replay_repository.update_received(tx, row.id, values)
        return decisions


def _found(row: Received | None) -> Received:
    if row is None:
        raise NotFound("not_found", "There is no such delivery.")
    return row
