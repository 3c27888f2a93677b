"""What a proven delivery becomes. Pure. Sentences name places in the body, never what stands there: it may be personal."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json, to_json

from gateway.webhooks_in.maps_to import ANY_ORDER_EVENT, EVENT_NAMES, Fields, MapsTo, Places
from gateway.webhooks_in.pointers import MISSING, amount, first, found, places
from shared.contracts import OrderCancelled, OrderCompleted, OrderEvent, OrderPaid, OrderRefunded, RefundedLine
from shared.external_ids import fault_of

EVENTS: dict[str, type[OrderEvent]] = {
    event.name: event for event in (OrderPaid, OrderCancelled, OrderCompleted, OrderRefunded)
}
_MOST_LINES = 1000
_LONGEST_REASON = 200
_TYPE = re.compile(r"[^\W\d][\w.:/| -]{0,99}")


@dataclass(frozen=True, slots=True)
class Ignored:
    """A delivery that is not for us. `their_type` is what the partner calls it, where that looks like a name of a type."""

    code: str
    detail: str
    their_type: str | None = None


class Unmappable(Exception):
    """A delivery that should have become a message, and why it can't. `code` is stable, `detail` a sentence."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


def read(body: bytes) -> Any:
    """The JSON of a body. Raises Unmappable."""
    try:
        return from_json(body, allow_inf_nan=False)
    except ValueError:
        raise Unmappable("malformed_json", "The body is not JSON in UTF-8.") from None


def translate(maps_to: MapsTo, document: Any) -> OrderEvent | Ignored:
    """The message that `document` becomes. Raises Unmappable."""
    maps_to = maps_to.spelled_out()
    if maps_to.fields is not None and maps_to.event is not None:
        return _mapped(maps_to.event, maps_to.fields, maps_to, document)
    type_at = places(maps_to.type_at or "/type")
    parts = [_text(found(document, place)) for place in type_at]
    their_type = "|".join(part for part in parts if part is not None)
    if not their_type:
        return Ignored("no_type", f"Nothing at {' or '.join(type_at)} says what this delivery tells.")
    if maps_to.fields is not None and maps_to.types is not None:
        name = maps_to.types.get(their_type)
        return _unknown(their_type) if name is None else _mapped(name, maps_to.fields, maps_to, document)
    if their_type not in EVENT_NAMES or maps_to.event not in (their_type, ANY_ORDER_EVENT):
        return _unknown(their_type)
    return _ours(EVENTS[their_type], found(document, "/data"))


def _unknown(their_type: str) -> Ignored:
    shown = their_type if _TYPE.fullmatch(their_type) else None
    return Ignored("type_not_mapped", "maps_to has no event for this type.", shown)


def _ours(event: type[OrderEvent], data: Any) -> OrderEvent:
    """Our own shape, strictly: a misspelt `lines` must not turn a part of an order into all of it."""
    if not isinstance(data, dict):
        raise Unmappable("field_missing", "There is no object at /data.")
    _only([name for name in event.model_fields if name != "owner_id"], data, "/data")
    lines = data.get("lines")
    for number, line in enumerate(lines if isinstance(lines, list) else ()):
        if isinstance(line, dict):
            _only(RefundedLine.model_fields, line, f"/data/lines/{number}")
    return _made(event, data, "/data")


def _only(known: Collection[str], given: Mapping[str, Any], where: str) -> None:
    if set(given) - set(known):
        raise Unmappable("unknown_field", f"{where} may hold {', '.join(known)} and nothing else.")


def _mapped(name: str, fields: Fields, maps_to: MapsTo, document: Any) -> OrderEvent:
    event = EVENTS[name]
    values: dict[str, Any] = {"order_id": _required(document, fields.order_id)}
    if "refund_id" in event.model_fields and fields.refund_id is not None:
        values["refund_id"] = _required(document, fields.refund_id)
    for optional, pointer in (("reason", fields.reason), ("policy", fields.policy)):
        value = _text(first(document, pointer)) if pointer is not None and optional in event.model_fields else None
        if value is not None:
            values[optional] = value[:_LONGEST_REASON] if optional == "reason" else value
    if "lines" in event.model_fields and not _whole(document, fields):
        values["lines"] = _lines(document, fields, maps_to)
    return _made(event, values, "")


def _whole(document: Any, fields: Fields) -> bool:
    """True where all of the order comes back: its two amounts say so, or the mapping knows no lines at all."""
    if fields.whole_if_equal is None:
        return fields.lines is None
    refunded, total = (amount(found(document, place)) for place in fields.whole_if_equal)
    if refunded is None or total is None:
        raise Unmappable("field_invalid", f"There are no amounts at {' and '.join(fields.whole_if_equal)}.")
    if refunded != total and fields.lines is None:
        raise Unmappable("part_of_an_order", "Less than the whole was paid back, and nothing says for which lines.")
    return refunded == total


def _lines(document: Any, fields: Fields, maps_to: MapsTo) -> list[dict[str, Any]]:
    items = found(document, fields.lines or "")
    if items in (MISSING, None, []):
        if maps_to.whole_without_lines:
            return []
        raise Unmappable(
            "lines_missing", f"Nothing is at {fields.lines}. Set whole_without_lines if that means the whole order."
        )
    if not isinstance(items, list) or len(items) > _MOST_LINES:
        raise Unmappable("field_invalid", f"What is at {fields.lines} is no list of at most {_MOST_LINES} items.")
    return [
        {"line_id": _required(item, fields.line_id, inside), "quantity": _units(item, fields.quantity, inside)}
        for number, item in enumerate(items)
        for inside in [f"{fields.lines}/{number}"]
    ]


def _required(document: Any, where: Places, inside: str = "") -> str:
    """The id that stands there, a text or a whole number, as text."""
    value, pointer = first(document, where), " or ".join(places(where))
    if value is MISSING:
        raise Unmappable("field_missing", f"Nothing is at {inside}{pointer}.")
    text = None if isinstance(value, bool) else _text(value)
    if text is None:
        raise Unmappable("field_invalid", f"What is at {inside}{pointer} is neither a text nor a whole number.")
    fault = fault_of(text)
    if fault is not None:
        raise Unmappable("field_invalid", f"What is at {inside}{pointer} can't be an id: {fault}.")
    return text


def _units(item: Any, pointer: str, inside: str) -> int:
    """The whole number at `pointer`; a text of digits will do, and 2.0 is 2."""
    value = found(item, pointer)
    if value is MISSING or value is None:
        raise Unmappable("field_missing", f"Nothing is at {inside}{pointer}.")
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 10**9:
        raise Unmappable("field_invalid", f"What is at {inside}{pointer} is no number of units.")
    return value


def _text(value: Any) -> str | None:
    """A scalar as text (`true` and `false` for booleans); None for what is no scalar, a fraction, or nothing."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value) if abs(value) < 10**30 else None
    return value if isinstance(value, str) and value else None


def _made(event: type[OrderEvent], values: Mapping[str, Any], where: str) -> OrderEvent:
    try:
        made = event.model_validate_json(to_json(values), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = where + "".join(f"/{part}" for part in first["loc"])
        raise Unmappable("field_invalid", f"{place}: {first['msg']}.") from None
    if any("\x00" in text for text in _texts(made.model_dump())):
        raise Unmappable("field_invalid", "A text holds a NUL character.")
    return made


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, tuple) else ():
        yield from _texts(one)
