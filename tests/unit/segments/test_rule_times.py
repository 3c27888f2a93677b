"""Times that rules and events name: RFC 3339; in a rule also a day of the segment's own time zone."""

from datetime import UTC, datetime
from typing import Any

import pytest

from services.segments.rule_language.faults import Faults
from services.segments.rule_language.parser import parse_rule
from services.segments.rule_language.scalars import instant
from services.segments.rule_language.tree import EventLeaf
from services.segments.tracking.rules import Arrival, Rejected, normalise

NO_TIMES: list[Any] = [
    "2026-11-11T00:00:00",
    "2026-11-11T00:00Z",
    "2026-11-11T24:00:00Z",
    "2026-11",
    1_794_240_000,
    True,
]


@pytest.mark.parametrize("value", [*NO_TIMES, "2026-02-30"])
def test_a_rule_names_no_time_that_could_be_another(value: Any) -> None:
    rules = [{"trait": "seen", "op": op, "value": value} for op in ("before", "after")]
    rules += [{"event": "x", "within": {edge: value}} for edge in ("from", "until")]
    for rule in rules:
        with pytest.raises(Faults):
            parse_rule(rule, time_zone="Asia/Shanghai", currency="CNY")


def test_a_day_of_a_rule_is_one_of_the_segments_zone() -> None:
    leaf = parse_rule({"event": "x", "within": {"from": "2026-11-11"}}, time_zone="Asia/Shanghai", currency="CNY")
    assert isinstance(leaf, EventLeaf)
    assert leaf.window.start is not None
    assert instant(leaf.window.start) == datetime(2026, 11, 10, 16, tzinfo=UTC)


@pytest.mark.parametrize("value", [*NO_TIMES, "2026-11-11", 0, False])
def test_an_event_tells_its_time_or_none(value: Any) -> None:
    arrival = Arrival(datetime(2026, 11, 11, tzinfo=UTC))
    for member in ("timestamp", "originalTimestamp"):
        with pytest.raises(Rejected, match="RFC 3339"):
            normalise({"type": "track", "event": "x", "userId": "c", member: value}, arrival)
