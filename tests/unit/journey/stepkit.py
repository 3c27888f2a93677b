"""Journeys and runs for the pure step, and what is in its effects."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from services.journey.definition.graph import Definition
from services.journey.run import Effect, Facts, Logged, Rendered, RenderFailed, Run

NOW = datetime(2026, 11, 11, 2, tzinfo=UTC)


def render(template_id: str, context: Mapping[str, object]) -> Rendered:
    if template_id == "msg_bad":
        raise RenderFailed("no such filter")
    return Rendered("inbox", "subject", f"coupon {context['coupon']} event {context['event']}")


FACTS = Facts(render=render)


def fresh(**changes: Any) -> Run:
    run = Run(
        id="run_1", journey_id="jny_1", version=1, customer_id="c1", entry_key="", trigger_id="t", since=NOW,
        entered_at=NOW, state="ready", node_id="entry", arrived_at=NOW, due_at=NOW,
    )  # fmt: skip
    return replace(run, **changes)


def journey(nodes: dict[str, Any], *edges: list[str], **more: Any) -> Definition:
    raw = {
        "name": "j",
        "time_zone": "UTC",
        "entry": {"kind": "api"},
        "nodes": nodes,
        "edges": [list(e) for e in edges],
        **more,
    }
    return Definition.model_validate(raw)


def of(effects: tuple[Effect, ...], kind: type) -> list[Any]:
    return [effect for effect in effects if isinstance(effect, kind)]


def reasons(effects: tuple[Effect, ...]) -> list[str]:
    return [log.reason for log in of(effects, Logged)]


WAIT = journey({"w": {"kind": "wait", "for": "1h"}, "x": {"kind": "exit"}}, ["entry", "w"], ["w", "x"])
