"""Messages in: what customers do, who enters and leaves segments, and the answers to questions."""

from collections.abc import Sequence
from datetime import datetime

from services.journey.actions.repository import find_asker, settle
from services.journey.customers.handlers import on_traits
from services.journey.definition.cache import DefinitionCache
from services.journey.definition.repository import find_interests
from services.journey.engine import repository, waits_repository
from services.journey.engine.advancing import Advancer, Job
from services.journey.engine.correlation import key_value
from services.journey.engine.enrolling import Enrolling, Trigger
from services.journey.engine.events import apply_event, correlations, event_name, rounds
from services.journey.run import Answered, CouponIssued, CouponRefused, RuleEvaluated, Signal
from services.journey.storable import clean, storable
from shared import contracts
from shared.clock import Clock
from shared.contracts import Envelope, EventsTracked, SegmentEntered, SegmentExited, TrackedEvent
from shared.db import Transaction

LONGEST_ID = 255  # of a customer; the tracking API admits no longer one
CAUSES = ("event", "time")
"""Why a segment membership must have changed to start journeys: an edited rule or an import moves crowds, not people."""


class EngineHandlers:
    """Each runs in the transaction that also records its message as handled."""

    def __init__(self, clock: Clock, definitions: DefinitionCache, enrolling: Enrolling, advancer: Advancer) -> None:
        self._clock = clock
        self._definitions = definitions
        self._enrolling = enrolling
        self._advancer = advancer

    async def on_events(self, tx: Transaction, batch: EventsTracked, _: Envelope) -> None:
        """Imported history teaches traits and triggers nothing."""
        events = [event for event in batch.events if event.customer_id is None or len(event.customer_id) <= LONGEST_ID]
        await on_traits(tx, events)
        fresh = [event for event in events if not event.history]
        known = await find_interests(tx, {event_name(event) for event in fresh})
        wanted = [event for event in fresh if event_name(event) in known]
        for together in rounds(wanted):
            now = self._clock.now()
            await self._apply_events(tx, together, known, now)
            await self._start_runs(tx, together, now)

    async def _apply_events(
        self, tx: Transaction, events: Sequence[TrackedEvent], known: dict[str, set[str]], now: datetime
    ) -> None:
        keys = {event.message_id: correlations(event, known[event_name(event)]) for event in events}
        wanted = {(event_name(event), key) for event in events for key in keys[event.message_id]}
        waits = await waits_repository.find_waits(tx, wanted)
        rows = await repository.lock(tx, {wait.run_id for found in waits.values() for wait in found})
        jobs = {row.id: Job.of(row) for row in rows}
        before = dict(jobs)
        for event in events:
            found = [wait for key in keys[event.message_id] for wait in waits.get((event_name(event), key), ())]
            for run_id in sorted({wait.run_id for wait in found} & jobs.keys()):
                mine = [wait for wait in found if wait.run_id == run_id]
                jobs[run_id] = apply_event(jobs[run_id], event, mine)
        changed = [job for run_id, job in jobs.items() if job is not before[run_id]]
        await self._advancer.advance(tx, changed, now)

    async def _start_runs(self, tx: Transaction, events: Sequence[TrackedEvent], now: datetime) -> None:
        for journey in await self._definitions.published(tx, "event", {event_name(event) for event in events}):
            entry = journey.definition.entry
            triggers = []
            for event in events:
                if event_name(event) == getattr(entry, "event", None) and event.customer_id is not None:
                    key = key_value(event.properties, journey.definition.key)
                    if key is not None or journey.definition.key is None:
                        triggers.append(_trigger(event, event.customer_id, key))
            await self._enrolling.enter(tx, journey, triggers, now)

    async def on_segment(self, tx: Transaction, change: SegmentEntered | SegmentExited, envelope: Envelope) -> None:
        """A membership that changed by what the customer did, or by time passing."""
        if change.customer_id is None or change.cause not in CAUSES:
            return
        kind = "segment_entered" if isinstance(change, SegmentEntered) else "segment_exited"
        facts = {"segment_id": change.segment_id, "segment_name": change.segment_name}
        trigger = Trigger(f"segment:{envelope.id}", change.customer_id, "", change.at, facts)
        for journey in await self._definitions.published(tx, kind, [change.segment_id]):
            await self._enrolling.enter(tx, journey, [trigger], self._clock.now())

    async def asked_for(self, _: Transaction, envelopes: Sequence[Envelope]) -> list[Envelope]:
        """Most coupons are nothing to a journey; those that a run asked for carry its reference."""
        return [envelope for envelope in envelopes if envelope.payload.get("reference") is not None]

    async def on_coupon_issued(self, tx: Transaction, answer: contracts.CouponIssued, _: Envelope) -> None:
        """The coupon that a run asked for."""
        if answer.reference is None:
            return
        coupon = answer.model_dump(mode="json", exclude={"reference", "customer_id"}) | {"id": answer.coupon_id}
        done = Answered(answer.reference, "sent", "coupon_issued", answer.coupon_id)
        await self._answer(tx, CouponIssued(answer.reference, coupon), done)

    async def on_coupon_refused(self, tx: Transaction, answer: contracts.CouponIssueRefused, _: Envelope) -> None:
        """The coupon service says why not."""
        await self._answer(
            tx, CouponRefused(answer.reference, answer.code[:100]), Answered(answer.reference, "failed", answer.code)
        )

    async def on_rule_evaluated(self, tx: Transaction, answer: contracts.RuleEvaluated, _: Envelope) -> None:
        """The segments service knows whether the rule holds."""
        signal = RuleEvaluated(answer.reference, answer.matches, tuple(answer.because), answer.error)
        await self._answer(
            tx, signal, Answered(answer.reference, "failed" if answer.error else "sent", "answered_late")
        )

    async def _answer(self, tx: Transaction, signal: Signal, done: Answered) -> None:
        """Wakes the run that asked. An answer that comes twice, or after the run ended, only settles the ledger."""
        now = self._clock.now()
        run_id = await find_asker(tx, done.reference)
        if run_id is None:
            return
        rows = await repository.lock(tx, [run_id])
        await self._advancer.advance(tx, [Job.of(row, signal) for row in rows], now)
        if not any(repository.to_run(row).live for row in rows):
            await settle(tx, [done], now)


def _trigger(event: TrackedEvent, customer_id: str, key: str | None) -> Trigger:
    properties = storable(event.properties)
    return Trigger(clean(event.message_id)[:300], customer_id, key or "", event.timestamp, properties)
