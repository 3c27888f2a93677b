"""Writes what steps asked for: history, waits, effects, messages, counters. All in the transaction of the steps."""

from collections import Counter as Tally
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from services.journey.actions.messages import Messages
from services.journey.actions.questions import Questions
from services.journey.definition.graph import Definition, ExitOn, Goal, WaitFor
from services.journey.engine import history_repository, waits_repository
from services.journey.engine.correlation import of_customer, of_key
from services.journey.run import (
    Answered,
    AskCoupon,
    AskRule,
    Effect,
    Ended,
    Listen,
    Logged,
    Run,
    SendMessage,
    Unlisten,
)
from shared.contracts import Event, JourneyCompleted, JourneyExited
from shared.db import Transaction
from shared.messaging import Outbox

Waited = ExitOn | Goal | WaitFor | Listen
"""What has an `event` and says whether it must `match_key`."""


@dataclass(frozen=True, slots=True)
class Stepped:
    """A run before and after, and what the way between asks for."""

    before: Run
    after: Run
    definition: Definition
    effects: tuple[Effect, ...]


@dataclass
class _Batch:
    """What goes into the database for one batch."""

    now: datetime
    waits: list[dict[str, Any]] = field(default_factory=list)
    steps: list[dict[str, Any]] = field(default_factory=list)
    left: list[tuple[str, str]] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    reached: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    tally: Tally[history_repository.CountKey] = field(default_factory=Tally)


class Recorder:
    """One for the engine."""

    def __init__(self, outbox: Outbox, questions: Questions, messages: Messages) -> None:
        self._outbox = outbox
        self._questions = questions
        self._messages = messages

    async def record(self, tx: Transaction, stepped: Sequence[Stepped], now: datetime) -> None:
        """Writes the effects of runs whose new state has won."""
        batch = _Batch(now)
        asked: list[tuple[Run, AskCoupon | AskRule]] = []
        answered: list[Answered] = []
        sends: list[tuple[Run, SendMessage]] = []
        for one in stepped:
            number = one.before.steps
            for effect in one.effects:
                if isinstance(effect, Logged):
                    number += 1
                    _log(batch, one, effect, number)
                elif isinstance(effect, Listen):
                    batch.waits.append(wait_row(one.after, one.definition, "node", effect.node_id, effect))
                elif isinstance(effect, Unlisten):
                    batch.left.append((one.after.id, effect.node_id))
                elif isinstance(effect, AskCoupon | AskRule):
                    asked.append((one.after, effect))
                elif isinstance(effect, Answered):
                    answered.append(effect)
                elif isinstance(effect, SendMessage):
                    sends.append((one.after, effect))
                elif isinstance(effect, Ended):
                    _end(batch, one, effect)
            if one.after.goal_at is not None and one.before.goal_at is None:
                batch.reached.append(one.after.id)
                batch.tally[one.after.journey_id, "goal", one.before.node_id, "", ""] += 1
        await waits_repository.delete_left(tx, batch.left)
        await waits_repository.delete_ended(tx, batch.ended)
        await waits_repository.delete_goals(tx, batch.reached)
        await waits_repository.insert_waits(tx, batch.waits)
        await history_repository.insert_steps(tx, batch.steps)
        batch.events += await self._questions.record(tx, asked, answered, now)
        batch.events += await self._messages.record(tx, sends, now)
        await self._outbox.publish(tx, batch.events)
        await history_repository.count(tx, batch.tally, now)


def wait_row(
    run: Run, definition: Definition, kind: str, node_id: str, what: Waited, expires_at: datetime | None = None
) -> dict[str, Any]:
    """A row by which an event finds this run."""
    keyed = what.match_key and definition.key is not None
    return {
        "run_id": run.id,
        "kind": kind,
        "node_id": node_id,
        "event_name": what.event,
        "corr_key": of_key(definition.key or "", run.entry_key) if keyed else of_customer(run.customer_id),
        "expires_at": expires_at,
    }


def _log(batch: _Batch, one: Stepped, log: Logged, number: int) -> None:
    run = one.after
    batch.steps.append(
        {
            "run_id": run.id,
            "number": number,
            "journey_id": run.journey_id,
            "version": run.version,
            "node_id": log.node_id,
            "port": log.port,
            "target": log.target,
            "reason": log.reason,
            "detail": dict(log.detail),
            "at": batch.now,
        }
    )
    if log.port is not None:
        batch.tally[run.journey_id, "edge", log.node_id, log.port, log.target or ""] += 1


def _end(batch: _Batch, one: Stepped, end: Ended) -> None:
    run = one.after
    batch.ended.append(run.id)
    batch.tally[run.journey_id, "end", run.node_id, end.state, ""] += 1
    kind = JourneyCompleted if end.state == "completed" else JourneyExited
    batch.events.append(
        kind(
            owner_id=run.owner_id,
            journey_id=run.journey_id,
            journey_name=one.definition.name,
            journey_version=run.version,
            run_id=run.id,
            customer_id=run.customer_id,
            reason=end.reason,
            goal_reached=run.goal_at is not None,
        )
    )
