"""The interpreter of a journey: `step(definition, run, now, facts) -> (run', effects)`. Pure, so that a dry run is the same code.

A step walks from node to node until the run rests: it waits for a time or an event, waits for an answer of another
service, or is over. The next node is chosen when a wait ends, not when it begins.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Literal

from services.journey.definition.graph import ENTRY, HOLDOUT, OUT, Definition, Exit
from services.journey.engine.nodes import VISITS, Leave, Outcome, Stay, StepError, Visit, bucket
from services.journey.run import Effect, Ended, Facts, Logged, Run

MOST_NODES = 500  # of one step; a published definition cannot reach it, so reaching it is a defect


def step(definition: Definition, run: Run, now: datetime, facts: Facts) -> tuple[Run, tuple[Effect, ...]]:
    """Walks the run as far as it goes at `now`. Raises StepError when it cannot be walked."""
    if not run.live:
        return run, ()
    if facts.status == "stopped":
        return end(run, "exited", "journey_stopped")
    effects: list[Effect] = []
    for _ in range(MOST_NODES):
        outcome = _enter(definition, run) if run.node_id == ENTRY else _visit(definition, run, now, facts)
        if outcome is None:
            return run, tuple(effects)
        if isinstance(outcome, Stay):
            run = _stay(run, outcome, effects)
            return run, tuple(effects)
        run = _leave(definition, run, now, outcome, effects)
        if not run.live:
            return run, tuple(effects)
    raise StepError(f"more than {MOST_NODES} nodes in one step")


def end(
    run: Run, state: Literal["exited", "failed"], reason: str, detail: Mapping[str, object] | None = None
) -> tuple[Run, tuple[Effect, ...]]:
    """Ends a live run where it stands."""
    ended = replace(run, state=state, reason=reason, due_at=None, steps=run.steps + 1)
    return ended, (Logged(run.node_id, None, None, reason, detail or {}), Ended(state, reason))


def _enter(definition: Definition, run: Run) -> Outcome:
    if bucket(f"{run.journey_id}:{HOLDOUT}", run.customer_id) < definition.holdout_bp:
        return Leave(HOLDOUT, "holdout")
    return Leave(OUT, "entered")


def _stay(run: Run, outcome: Stay, effects: list[Effect]) -> Run:
    first = run.state == "ready"
    if first:
        effects.append(Logged(run.node_id, None, None, outcome.reason, {"until": outcome.due_at.isoformat()}))
    effects.extend(outcome.effects)
    asks = run.asks + 1 if outcome.asked else run.asks
    return replace(run, state=outcome.state, due_at=outcome.due_at, asks=asks, steps=run.steps + (1 if first else 0))


def _leave(definition: Definition, run: Run, now: datetime, outcome: Leave, effects: list[Effect]) -> Run:
    target = definition.target(run.node_id, outcome.port)
    effects.extend(outcome.effects)
    effects.append(Logged(run.node_id, outcome.port, target, outcome.reason, outcome.detail or {}))
    run = replace(run, steps=run.steps + 1, coupon=outcome.coupon or run.coupon, asks=0)
    if target is None:
        return _complete(
            run, outcome.reason if outcome.port == HOLDOUT and run.node_id == ENTRY else "path_end", effects
        )
    visits = {**run.visits, target: run.visits.get(target, 0) + 1}
    run = replace(run, node_id=target, visits=visits, arrived_at=now, state="ready", due_at=now)
    if isinstance(definition.nodes.get(target), Exit):
        return _complete(run, "exit_node", effects)
    return run


def _complete(run: Run, reason: str, effects: list[Effect]) -> Run:
    effects += [Logged(run.node_id, None, None, reason), Ended("completed", reason)]
    return replace(run, state="completed", reason=reason, due_at=None, steps=run.steps + 1)


def _visit(definition: Definition, run: Run, now: datetime, facts: Facts) -> Outcome | None:
    node = definition.nodes.get(run.node_id)
    if node is None:
        raise StepError(f"version {run.version} has no node {run.node_id!r}")
    if isinstance(node, Exit):
        raise StepError("a run came to rest on an exit")
    return VISITS[type(node)](node, Visit(definition, run, now, facts))
