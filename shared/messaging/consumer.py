"""The consumer: handles each message exactly once in effect, whatever the bus repeats.

The message's id goes into the inbox in the handler's own transaction, so a duplicate finds it there and does nothing.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json
from sqlalchemy import MetaData, select
from sqlalchemy.exc import SQLAlchemyError

from shared.clock import Clock
from shared.contracts import REGISTRY, Envelope, Event
from shared.db import Database, Transaction, Use, insert_bulk, is_outage, is_transient, used_for
from shared.messaging.bus import Failed, Pack, Subscription
from shared.observability.context import Cause, current_cause
from shared.observability.errors import summary
from shared.observability.logging import get_logger
from shared.observability.metrics import MESSAGE_AGE, MESSAGES_HANDLED
from shared.observability.tracing import span, tracing_enabled

_ENVELOPES = TypeAdapter(list[Envelope])
_TRIES = 3


class Consumer:
    """Runs one subscription's handler against the part's database."""

    def __init__(self, db: Database, metadata: MetaData, clock: Clock, subscription: Subscription) -> None:
        self._db = db
        self._inbox = metadata.tables["inbox"]
        self._clock = clock
        self._subscription = subscription
        self._log = get_logger(consumer=subscription.consumer)

    async def deliver(self, packs: Sequence[Pack]) -> list[Failed]:
        """Handle all packs in one transaction; if that fails, each message in one of its own.

        Raises when the database is away: then nothing was decided about what was not handled yet.
        """
        with used_for(Use.BACKGROUND):
            return await self._deliver(packs)

    async def _deliver(self, packs: Sequence[Pack]) -> list[Failed]:
        opened: list[tuple[Pack, list[Envelope]]] = []
        failed: list[Failed] = []
        for pack in await self._heard(packs):
            try:
                opened.append((pack, _ENVELOPES.validate_json(pack.body)))
            except ValidationError as error:
                failed.append(Failed(pack, f"not a pack of envelopes: {error.error_count()} errors"))
        try:
            await self._handle([envelope for _, envelopes in opened for envelope in envelopes])
        except Exception as error:
            if await self._database_is_away(error):
                raise
            for pack, envelopes in opened:
                failed.extend(await self._one_by_one(pack, envelopes))
        return failed

    async def _heard(self, packs: Sequence[Pack]) -> Sequence[Pack]:
        """Those of the packs that somebody listens to."""
        listens = self._subscription.heard
        if listens is None:
            return packs
        async with self._db.read() as tx:
            names = await listens(tx, {pack.name for pack in packs})
        return [pack for pack in packs if pack.name in names]

    async def _one_by_one(self, pack: Pack, envelopes: list[Envelope]) -> list[Failed]:
        failed = []
        for envelope in envelopes:
            error = await self._try(envelope)
            if error is not None:
                MESSAGES_HANDLED.labels(self._subscription.consumer, "failed").inc()
                self._log.warning("message failed", message_id=envelope.id, event_name=envelope.name, error=error)
                alone = Pack(envelope.id, pack.name, to_json([envelope]), pack.attempts)
                failed.append(Failed(alone, error))
        return failed

    async def _try(self, envelope: Envelope) -> str | None:
        for attempt in range(1, _TRIES + 1):
            try:
                await self._handle([envelope])
                return None
            except Exception as error:
                if await self._database_is_away(error):
                    raise
                if attempt == _TRIES or not is_transient(error):
                    return summary(error, 500)
        return None

    async def _database_is_away(self, error: Exception) -> bool:
        """A handler's own time-out or missing file looks like an outage; then the database says whether it is one.

        Taken for an outage, such a message would be tried for ever and hold back its queue.
        """
        if not is_outage(error) or isinstance(error, SQLAlchemyError):
            return is_outage(error)
        try:
            async with self._db.read() as tx:
                await tx.execute(select(1))
        except Exception as another:
            return is_outage(another)
        return False

    async def _handle(self, envelopes: list[Envelope]) -> None:
        if not envelopes:
            return
        async with self._db.write() as tx:
            pick = self._subscription.wanted
            wanted = envelopes if pick is None else await pick(tx, envelopes)
            fresh = await self._fresh(tx, wanted)
            for envelope in wanted:
                if envelope.id in fresh:
                    fresh.discard(envelope.id)
                    await self._call(tx, envelope)
        MESSAGES_HANDLED.labels(self._subscription.consumer, "handled").inc(len(envelopes))
        age = self._clock.now() - min(envelope.occurred_at for envelope in envelopes)
        MESSAGE_AGE.labels(self._subscription.consumer).observe(max(age.total_seconds(), 0.0))

    async def _fresh(self, tx: Transaction, envelopes: Sequence[Envelope]) -> set[str]:
        now = self._clock.now()
        consumer = self._subscription.consumer
        ids = dict.fromkeys(envelope.id for envelope in envelopes)
        rows = [{"consumer": consumer, "message_id": one, "received_at": now} for one in ids]
        inserted = await insert_bulk(tx, self._inbox, rows, ignore=True)
        return {message_id for _, message_id in inserted}

    async def _call(self, tx: Transaction, envelope: Envelope) -> None:
        contract: type[Event] = REGISTRY[envelope.name]
        event = contract.model_validate(envelope.payload)
        with self._span(envelope) as traceparent:
            token = current_cause.set(Cause(envelope.correlation_id, envelope.id, traceparent))
            try:
                await self._subscription.handler(tx, event, envelope)
            finally:
                current_cause.reset(token)

    @staticmethod
    def _span(envelope: Envelope) -> AbstractContextManager[str | None]:
        if not tracing_enabled():
            return nullcontext(envelope.traceparent)
        return span(f"handle {envelope.name}", envelope.traceparent, "CONSUMER")
