"""What an endpoint wants to hear of an event, by its properties: conditions that must all hold, in the form of rules' `where`.

Pure. A property that is missing fails every positive condition and satisfies the negative ones, as in segments' rules.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pydantic_core

from gateway.event_scopes import EVENT_SCOPES
from gateway.webhooks_out.rules import matches
from shared.contracts import REGISTRY

NEGATIVE = {"ne": "eq", "not_in": "in", "not_exists": "exists"}
ORDERED = frozenset(("gt", "gte", "lt", "lte"))
_ABSENT = object()
_THIN = frozenset(("sku", "version", "level_version"))


def passes(conditions: Iterable[Mapping[str, Any]], data: Mapping[str, Any]) -> bool:
    """True when an event's `data` meets every condition `{"property", "op", "value"}`."""
    return all(_holds(one["op"], _found(data, one["property"]), one.get("value")) for one in conditions)


def unknown(conditions: Sequence[Mapping[str, Any]], patterns: Sequence[str]) -> list[int]:
    """The positions of conditions on a property that no event has which the patterns name."""
    fields = {field for name in EVENT_SCOPES if matches(patterns, name) for field in REGISTRY[name].model_fields}
    return [at for at, one in enumerate(conditions) if one["property"].partition(".")[0] not in fields]


def thinned(body: bytes) -> bytes:
    """The same message with no more in `data` than what identifies things: who hears of it asks the API for the rest."""
    document = pydantic_core.from_json(body)
    data = {name: value for name, value in document["data"].items() if name.endswith("_id") or name in _THIN}
    return pydantic_core.to_json(document | {"data": data})


def _found(data: Any, name: str) -> Any:
    """A dot walks into objects; a name that holds the dot itself wins."""
    if not isinstance(data, Mapping):
        return _ABSENT
    if name in data:
        return _ABSENT if data[name] is None else data[name]
    head, dot, rest = name.partition(".")
    return _found(data.get(head), rest) if dot else _ABSENT


def _holds(op: str, found: Any, value: Any) -> bool:
    if op in NEGATIVE:
        return not _holds(NEGATIVE[op], found, value)
    if found is _ABSENT:
        return False
    if op == "exists":
        return True
    if op in ORDERED:
        return _number(found) and _ordered(op, found, value)
    wanted = value if op == "in" else [value]
    return any(_same(found, one) for one in wanted)


def _ordered(op: str, found: float, value: float) -> bool:
    return {"gt": found > value, "gte": found >= value, "lt": found < value, "lte": found <= value}[op]


def _same(left: Any, right: Any) -> bool:
    """By value and kind: 1 is neither true nor "1"."""
    return (isinstance(left, bool) == isinstance(right, bool)) and bool(left == right)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
