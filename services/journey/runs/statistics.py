"""Figures of a journey from its counters. Pure."""

from collections import Counter as Tally
from collections.abc import Iterable
from dataclasses import dataclass, field

from services.journey.definition.graph import ENTRY
from services.journey.engine.history_repository import CountSum
from services.journey.runs.schemas import EdgeFigures, NodeFigures, StatisticsView


def statistics(journey_id: str, rows: Iterable[CountSum]) -> StatisticsView:
    """The figures that these sums come to."""
    sums = _Sums()
    for row in rows:
        sums.add(row, int(row.total))
    nodes = sums.nodes()
    return StatisticsView(
        journey_id=journey_id,
        entered=sums.arrived[ENTRY],
        in_flight=sum(node.in_flight for node in nodes.values()),
        completed=sums.states["completed"],
        exited=sums.states["exited"],
        failed=sums.states["failed"],
        goals_reached=sums.goals.total(),
        refused=dict(sums.refused),
        nodes=nodes,
        edges=sorted(sums.edges, key=lambda edge: (edge.source, edge.port, edge.to or "")),
    )


@dataclass
class _Sums:
    arrived: Tally[str] = field(default_factory=Tally)
    left: Tally[str] = field(default_factory=Tally)
    ended: Tally[str] = field(default_factory=Tally)
    goals: Tally[str] = field(default_factory=Tally)
    states: Tally[str] = field(default_factory=Tally)
    refused: Tally[str] = field(default_factory=Tally)
    edges: list[EdgeFigures] = field(default_factory=list)

    def add(self, row: CountSum, total: int) -> None:
        if row.kind == "enter":
            self.arrived[ENTRY] += total
        elif row.kind == "edge":
            self.edges.append(EdgeFigures(source=row.node_id, port=row.port, to=row.target or None, count=total))
            if row.target:
                self.arrived[row.target] += total
                self.left[row.node_id] += total
        elif row.kind == "end":
            self.ended[row.node_id] += total
            self.states[row.port] += total
        elif row.kind == "goal":
            self.goals[row.node_id] += total
        elif row.kind == "refused":
            self.refused[row.port] += total

    def nodes(self) -> dict[str, NodeFigures]:
        return {
            node_id: NodeFigures(
                arrived=self.arrived[node_id],
                in_flight=self.arrived[node_id] - self.left[node_id] - self.ended[node_id],
                ended=self.ended[node_id],
                goals=self.goals[node_id],
            )
            for node_id in sorted(self.arrived | self.ended | self.goals)
        }
