"""What an event is once it is sound, and the comparable forms of its properties. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from services.segments.rule_language.measures import Facts
from services.segments.rule_language.scalars import MAX_NUMBER, SCALE, scalar

Kind = Literal["identify", "track", "page", "screen", "group", "alias"]
ORDER_COMPLETED = "Order Completed"
_MOST_LEVELS = 32


@dataclass(slots=True)
class Item:
    """A sound item. `ts` and `received_at` in µs. `tells_traits`: its traits are the person's own (a group's are not).

    `vouched`: told with a key of the merchant's. What a shopper's app or page tells may be anything.
    """

    message_id: str
    type: Kind
    name: str | None
    user_id: str | None
    anonymous_id: str | None
    previous_id: str | None
    ts: int
    received_at: int
    history: bool
    properties: dict[str, Any]
    traits: dict[str, Any]
    context: dict[str, Any]
    facts: Facts
    order_id: str | None = None
    external_ids: list[tuple[str, str]] = field(default_factory=list)
    uid: int = 0
    tells_traits: bool = False
    vouched: bool = True


def nested_too_deeply(value: Any) -> bool:
    """True for more than 32 levels of objects and lists. Parsers give up at a few hundred, be it those that read the stored
    event, or the message that tells of it and of its neighbours."""
    level = [value]
    for _ in range(_MOST_LEVELS):
        level = [
            child
            for one in level
            for child in (one.values() if isinstance(one, dict) else one)
            if isinstance(child, (dict, list))
        ]
        if not level:
            return False
    return True


def facts(properties: Mapping[str, Any]) -> Facts:
    """The comparable forms of the scalar properties (and lists of scalars), by form and name."""
    texts: dict[str, Any] = {}
    numbers: dict[str, Any] = {}
    moments: dict[str, Any] = {}
    days: dict[str, Any] = {}
    for name, value in properties.items():
        if type(value) is int and -MAX_NUMBER <= value <= MAX_NUMBER and "\x00" not in name:
            texts[name], numbers[name] = str(value), value * SCALE
            continue
        if value is None or isinstance(value, dict) or "\x00" in name:
            continue
        if isinstance(value, list) and value and isinstance(value[0], dict):
            continue
        forms = scalar(value)
        if forms.text is not None:
            texts[name] = forms.text
        if forms.number is not None:
            numbers[name] = forms.number
        if forms.moment is not None:
            moments[name] = forms.moment
        if forms.day is not None:
            days[name] = forms.day
    found = {"t": texts, "n": numbers, "m": moments, "d": days}
    return {form: values for form, values in found.items() if values}
