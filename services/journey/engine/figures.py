"""Figures of a journey from its counters. Pure."""

from collections import Counter as Tally
from collections.abc import Iterable
from typing import Any

from services.journey.definition.graph import ENTRY
from services.journey.engine.schemas import EdgeFigures, NodeFigures, StatisticsView


def statistics(journey_id: str, rows: Iterable[Any]) -> StatisticsView:
    """`rows` have kind, node_id, port, target, total."""
    arrived: Tally[str] = Tally()
    left: Tally[str] = Tally()
    ended: Tally[str] = Tally()
    goals: Tally[str] = Tally()
    states: Tally[str] = Tally()
    refused: dict[str, int] = {}
    edges = []
    for row in rows:
        total = int(row.total)
        if row.kind == "enter":
            arrived[ENTRY] += total
        elif row.kind == "edge":
            edges.append(EdgeFigures(source=row.node_id, port=row.port, to=row.target or None, count=total))
            if row.target:
                arrived[row.target] += total
                left[row.node_id] += total
        elif row.kind == "end":
            ended[row.node_id] += total
            states[row.port] += total
        elif row.kind == "goal":
            goals[row.node_id] += total
        elif row.kind == "refused":
            refused[row.port] = total
    nodes = {
        node_id: NodeFigures(
            arrived=arrived[node_id],
            in_flight=arrived[node_id] - left[node_id] - ended[node_id],
            ended=ended[node_id],
            goals=goals[node_id],
        )
        for node_id in sorted(arrived | ended | goals)
    }
    return StatisticsView(
        journey_id=journey_id,
        entered=arrived[ENTRY],
        in_flight=sum(node.in_flight for node in nodes.values()),
        completed=states["completed"],
        exited=states["exited"],
        failed=states["failed"],
        goals_reached=goals.total(),
        refused=refused,
        nodes=nodes,
        edges=sorted(edges, key=lambda edge: (edge.source, edge.port, edge.to or "")),
    )
