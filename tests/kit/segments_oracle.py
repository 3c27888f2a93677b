"""The naive evaluator of segment rules: plain Python over one person's raw events and traits, written without the service's code.

Slow and obvious; the third opinion beside the incremental and the batch evaluator.
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
NEGATIVE = {"ne": "eq", "not_in": "in", "not_exists": "exists"}
MONEY = {"total", "price"}


@dataclass
class Person:
    """What happened to one person: (event, when, properties with amounts in minor units), and its traits."""

    events: list[tuple[str, datetime, dict[str, Any]]] = field(default_factory=list)
    traits: dict[str, Any] = field(default_factory=dict)


def matches(rule: dict[str, Any], who: Person, now: datetime, zone: str, segments: dict[str, dict[str, Any]]) -> bool:
    if "all" in rule:
        return all(matches(one, who, now, zone, segments) for one in rule["all"])
    if "any" in rule:
        return any(matches(one, who, now, zone, segments) for one in rule["any"])
    if "not" in rule:
        return not matches(rule["not"], who, now, zone, segments)
    if "segment" in rule:
        return matches(segments[rule["segment"]], who, now, zone, segments)
    if "trait" in rule:
        return holds(rule["op"], who.traits.get(rule["trait"]), rule.get("value"), now, zone)
    return event_leaf(rule, who, now, zone)


def event_leaf(rule: dict[str, Any], who: Person, now: datetime, zone: str) -> bool:
    chosen = [one for one in who.events if one[0] == rule["event"] and inside(rule.get("within"), one[1], now, zone)]
    names = {rule.get("property"), *(one["property"] for one in rule.get("where", ()))}
    if names & MONEY:
        chosen = [one for one in chosen if one[2].get("currency", "CNY") == rule.get("currency", "CNY")]
    for test in rule.get("where", ()):
        chosen = [
            one for one in chosen if holds(test["op"], one[2].get(test["property"]), test.get("value"), now, zone)
        ]
    chosen.sort(key=lambda one: (one[1], as_text(one[2].get(rule.get("property", ""))) or ""))
    return measured(rule, chosen, now, zone)


def measured(rule: dict[str, Any], chosen: list[Any], now: datetime, zone: str) -> bool:
    measure, op, value = rule.get("measure", "count"), rule.get("op", "gte"), rule.get("value", 1)
    name = rule.get("property")
    if measure in ("first", "last") and name is None:
        times = [one[1] for one in chosen]
        edge = None if not times else min(times) if measure == "first" else max(times)
        return holds(op, None if edge is None else edge.isoformat(), value, now, zone)
    values = [one[2].get(name) for one in chosen if one[2].get(name) is not None]
    if measure in ("first", "last"):
        return holds(op, None if not values else values[0] if measure == "first" else values[-1], value, now, zone)
    if measure == "count":
        return number_holds(op, Fraction(len(chosen)), value)
    if measure == "distinct":
        return number_holds(op, Fraction(len({as_text(one) for one in values})), value)
    numbers = [one for one in map(as_number, values) if one is not None]
    if measure == "sum":
        return number_holds(op, sum(numbers, Fraction(0)), value)
    result = None
    if numbers:
        result = {"avg": sum(numbers, Fraction(0)) / len(numbers), "min": min(numbers), "max": max(numbers)}[measure]
    if op in ("exists", "not_exists"):
        return bool((result is not None) == (op == "exists"))
    return op in NEGATIVE if result is None else number_holds(op, result, value)


def inside(within: dict[str, Any] | None, ts: datetime, now: datetime, zone: str) -> bool:
    if within is None:
        return True
    if "last" not in within:
        start, end = within.get("from"), within.get("until")
        return (start is None or ts >= moment(start, zone)) and (end is None or ts < moment(end, zone))
    length = duration(within["last"])
    if within.get("mode", "rolling") == "rolling":
        return now - length < ts <= now
    today = now.astimezone(ZoneInfo(zone)).date()
    day = ts.astimezone(ZoneInfo(zone)).date()
    if within.get("include_today", True):
        return ts <= now and today - timedelta(days=length.days - 1) <= day <= today
    return today - timedelta(days=length.days) <= day < today


def holds(op: str, have: Any, want: Any, now: datetime, zone: str) -> bool:
    if op in NEGATIVE:
        return not holds(NEGATIVE[op], have, want, now, zone)
    if have is None:
        return False
    if op == "exists":
        return True
    if op == "eq":
        return same(have, want)
    if op == "in":
        return any(same(have, one) for one in want)
    if op == "contains":
        part = str(as_text(want))
        return part in [as_text(one) for one in have] if isinstance(have, list) else part in (as_text(have) or "")
    if op == "starts_with":
        return not isinstance(have, list) and (as_text(have) or "").startswith(str(as_text(want)))
    if op in ("before", "after"):
        return time_holds(op, have, want, zone)
    if op == "within_last":
        at = None if parsed(have) is None else moment(have, zone)
        return at is not None and at <= now < at + duration(want)
    number = as_number(have)
    return number is not None and number_holds(op, number, want)


def time_holds(op: str, have: Any, want: str, zone: str) -> bool:
    if parsed(have) is None:
        return False
    at, bound = moment(have, zone), moment(want, zone)
    if op == "before":
        return at < bound
    if is_date(want):
        return at >= moment((date.fromisoformat(want) + timedelta(days=1)).isoformat(), zone)
    return at > bound


def number_holds(op: str, have: Fraction, want: Any) -> bool:
    if op == "between":
        return as_number(want[0]) <= have <= as_number(want[1])  # type: ignore[operator] # rules hold numbers here
    if op in ("in", "not_in"):
        return (have in [as_number(one) for one in want]) == (op == "in")
    bound = as_number(want)
    assert bound is not None
    return {
        "eq": have == bound, "ne": have != bound, "gt": have > bound,
        "gte": have >= bound, "lt": have < bound, "lte": have <= bound,
    }[op]  # fmt: skip


def same(have: Any, want: Any) -> bool:
    if as_number(want) is not None:
        return as_number(have) == as_number(want)
    return not isinstance(have, list) and as_text(have) == as_text(want)


def as_number(value: Any) -> Fraction | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    text = str(value)
    if isinstance(value, str) and not re.fullmatch(r"-?(0|[1-9]\d*)(\.\d+)?", text, re.ASCII):
        return None
    try:
        return Fraction(text)
    except ValueError:
        return None


def as_text(value: Any) -> str | None:
    if value is None or isinstance(value, bool):
        return None if value is None else str(value).lower()
    return str(value)


def duration(text: str) -> timedelta:
    return timedelta(**{UNITS[text[-1]]: int(text[:-1])})


def is_date(value: Any) -> bool:
    return isinstance(value, str) and len(value) == 10


def parsed(value: Any) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def moment(value: str, zone: str) -> datetime:
    """The instant of a time; a bare date is the first instant of that local day."""
    if is_date(value):
        start = datetime.combine(date.fromisoformat(value), time(), tzinfo=ZoneInfo(zone)).astimezone(UTC)
        return start
    found = parsed(value)
    assert found is not None
    return found


def members(
    rule: dict[str, Any], people: dict[str, Person], now: datetime, zone: str, segments: dict[str, dict[str, Any]]
) -> set[str]:
    """Everybody for whom a rule holds."""
    return {name for name, who in people.items() if matches(rule, who, now, zone, segments)}
