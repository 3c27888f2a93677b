"""One call of the tracking API, made a sound event: ids, corrected time, money in minor units. Pure.

Raises Rejected, with a stable code and what to do, for an item that can't be accepted; its neighbours are not concerned.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, get_args

from services.segments.events.rules import ORDER_COMPLETED, Item, Kind, facts, nested_too_deeply
from services.segments.rule_language.money_names import MONEY_PROPERTIES
from services.segments.rule_language.scalars import MAX_NUMBER, micros
from shared.external_ids import LONGEST, fault_of
from shared.ids import new_id
from shared.money import known_currency, to_minor
from shared.times import read_instant

TYPES: dict[str, Kind] = {kind: kind for kind in get_args(Kind)}
VIEW_NAMES = {"page": "Page Viewed", "screen": "Screen Viewed"}
MAX_MESSAGE_ID = 100
MAX_TRAITS = 300
_EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)


class Rejected(Exception):
    """An item goes to the dead letters. `code` is stable; `detail` says what to do."""

    def __init__(self, code: str, detail: str, message_id: str | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.message_id = message_id


@dataclass(frozen=True, slots=True)
class Arrival:
    """What the items of one request share. Instants are aware; `sent_at` is the batch's own, if it tells one."""

    received_at: datetime
    sent_at: datetime | None = None
    context: Mapping[str, Any] = field(default_factory=dict)
    currency: str = "CNY"
    customer_id: str | None = None
    """Set for an end-user's token: it may tell only of itself."""
    vouched: bool = True
    """False for a shopper's app or page."""


def normalise(raw: Any, arrival: Arrival, kind: str | None = None) -> Item:
    """The sound item of one raw item. `kind`: the type that the path says, for single calls."""
    if not isinstance(raw, dict):
        raise Rejected("not_an_object", "An item is a JSON object.")
    if nested_too_deeply(raw):
        raise Rejected("nested_too_deeply", "An item holds at most 32 levels of objects and lists.")
    message_id = _message_id(raw)
    try:
        return _normalise(raw, arrival, kind or raw.get("type"), message_id)
    except Rejected as rejected:
        rejected.message_id = message_id
        raise


def _normalise(raw: dict[str, Any], arrival: Arrival, kind: Any, message_id: str) -> Item:
    if not isinstance(kind, str) or kind not in TYPES:
        raise Rejected("unknown_type", "`type` is one of alias, group, identify, page, screen, track.")
    context = _object(raw, "context")
    if arrival.context:
        context = {**arrival.context, **context}
    history = bool(context.get("import"))
    item = Item(
        message_id=message_id,
        type=TYPES[kind],
        name=_name(raw, kind),
        user_id=_id(raw, "userId"),
        anonymous_id=_id(raw, "anonymousId"),
        previous_id=_id(raw, "previousId") if kind == "alias" else None,
        ts=0,
        received_at=micros(arrival.received_at),
        history=history,
        properties={},
        traits=_traits(raw),
        context=context,
        facts={},
        external_ids=_external_ids(context),
        tells_traits=kind == "identify",
        vouched=arrival.vouched,
    )
    _check_identity(item, arrival)
    item.ts = _timestamp(raw, arrival, history)
    _set_properties(item, raw, arrival.currency)
    return item


def _message_id(raw: dict[str, Any]) -> str:
    given = raw.get("messageId")
    if given is None or given == "":
        return new_id("msg")
    if isinstance(given, int) and not isinstance(given, bool):
        given = str(given)
    if not isinstance(given, str) or len(given) > MAX_MESSAGE_ID:
        raise Rejected("invalid_message_id", f"`messageId` is text of at most {MAX_MESSAGE_ID} characters.")
    return _sound(given, "messageId", "invalid_message_id")


def _id(raw: dict[str, Any], member: str) -> str | None:
    """An id, or None: absent, null and empty mean the same."""
    given = raw.get(member)
    if given is None or given == "":
        return None
    if isinstance(given, int) and not isinstance(given, bool):
        return str(given)[:LONGEST]
    if not isinstance(given, str):
        raise Rejected("invalid_id", f"`{member}` is text of at most {LONGEST} characters.")
    return _sound(given, member, "invalid_id")


def _sound(text: str, member: str, code: str) -> str:
    fault = fault_of(text)
    if fault is not None:
        raise Rejected(code, f"`{member}` can't be an id: {fault}.")
    return text


def _check_identity(item: Item, arrival: Arrival) -> None:
    if item.type == "alias":
        if item.user_id is None or item.previous_id is None:
            raise Rejected("missing_identity", "An alias names `previousId` and `userId`.")
    elif item.user_id is None and item.anonymous_id is None:
        raise Rejected("missing_identity", "An item names `userId` or `anonymousId`.")
    if arrival.customer_id is not None and item.user_id not in (None, arrival.customer_id):
        raise Rejected("foreign_customer", "This token may tell only of its own customer: leave `userId` out.")
    if arrival.customer_id is not None:
        item.user_id = arrival.customer_id


def _object(raw: Mapping[str, Any], member: str) -> dict[str, Any]:
    given = raw.get(member)
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise Rejected("not_an_object", f"`{member}` is a JSON object.")
    return given


def _traits(raw: dict[str, Any]) -> dict[str, Any]:
    traits = _object(raw, "traits")
    if len(traits) > MAX_TRAITS:
        raise Rejected("too_many_traits", f"At most {MAX_TRAITS} traits can be set at once.")
    for name in traits:
        fault = fault_of(name)
        if fault is not None:
            raise Rejected("invalid_trait_name", f"The name of a trait is not clear: {fault}.")
    return traits


def _name(raw: dict[str, Any], kind: str) -> str | None:
    if kind != "track":
        return VIEW_NAMES.get(kind)
    name = raw.get("event")
    if not isinstance(name, str) or not name:
        raise Rejected("missing_event", f"A track call names its `event`, in at most {LONGEST} characters.")
    return _sound(name, "event", "invalid_event")


def _external_ids(context: Mapping[str, Any]) -> list[tuple[str, str]]:
    given = context.get("externalIds")
    if not isinstance(given, list):
        return []
    found = []
    for one in given[:20]:
        if isinstance(one, dict) and isinstance(one.get("id"), str) and isinstance(one.get("type"), str):
            kind, value = one["type"], one["id"]
            if len(kind) <= 40 and fault_of(kind) is None and fault_of(value) is None:
                found.append((kind, value))
    return found


def _timestamp(raw: dict[str, Any], arrival: Arrival, history: bool) -> int:
    """When it happened: the client's time, corrected by how wrong the client's clock is, never later than the arrival."""
    stated = next((raw[one] for one in ("originalTimestamp", "timestamp") if raw.get(one) not in (None, "")), None)
    if stated is None:
        return micros(arrival.received_at)
    original = parse_time(stated)
    if original is None:
        detail = "`timestamp` is RFC 3339 with its offset, such as 2026-11-11T10:00:00.000Z, from 1900 on."
        raise Rejected("invalid_timestamp", detail)
    own = raw.get("sentAt")
    sent = arrival.sent_at if own is None else parse_time(own)
    if sent is not None and not history:
        try:
            original = arrival.received_at - (sent - original)
        except OverflowError:
            raise Rejected("invalid_timestamp", "`timestamp` and `sentAt` lie thousands of years apart.") from None
    return micros(min(original, arrival.received_at))


def parse_time(value: Any) -> datetime | None:
    """The instant of RFC 3339 text, as every SDK writes it; None when it can't be told."""
    try:
        parsed = read_instant(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return parsed if parsed is not None and parsed >= _EARLIEST else None


def _set_properties(item: Item, raw: dict[str, Any], currency: str) -> None:
    properties = _object(raw, "properties")
    if item.type in VIEW_NAMES:
        named = {member: raw[member] for member in ("name", "category") if raw.get(member) is not None}
        properties = {**properties, **named}
    if item.type == "group":
        properties = {**properties, "group_id": _id(raw, "groupId")}
    item.properties = in_minor_units(properties, currency)
    if item.name is not None:
        item.facts = facts(item.properties)
    if item.name == ORDER_COMPLETED:
        item.order_id = _order_id(item.properties.get("order_id"))


def _order_id(given: Any) -> str | None:
    if isinstance(given, int) and not isinstance(given, bool):
        given = str(given)
    if not isinstance(given, str) or not given:
        return None
    return _sound(given, "order_id", "invalid_order_id")


def in_minor_units(properties: dict[str, Any], default_currency: str) -> dict[str, Any]:
    """Amounts as the SDKs send them (decimals) in minor units, with the currency beside them, also in `products`."""
    names = MONEY_PROPERTIES & properties.keys()
    products = properties.get("products")
    rows = [row for row in products if isinstance(row, dict)] if isinstance(products, list) else []
    if not names and all(MONEY_PROPERTIES.isdisjoint(row) for row in rows):
        return properties
    given = properties.get("currency")
    if given is None or given == "":
        given = default_currency
    try:
        currency = known_currency(given.upper() if isinstance(given, str) and given.isascii() else "")
    except ValueError as error:
        raise Rejected("invalid_currency", f"`currency` {error}.") from None
    converted = _converted(properties, names, currency)
    converted["currency"] = currency
    if rows and isinstance(products, list):
        converted["products"] = [
            _converted(row, MONEY_PROPERTIES & row.keys(), currency) if isinstance(row, dict) else row
            for row in products
        ]
    return converted


def _converted(properties: dict[str, Any], names: Iterable[str], currency: str) -> dict[str, Any]:
    result = dict(properties)
    for name in names:
        value = properties[name]
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            continue
        try:
            minor = to_minor(value, currency)
        except ValueError:
            if isinstance(value, str):
                continue  # words, such as "free", are no amount
            minor = MAX_NUMBER + 1
        if abs(minor) > MAX_NUMBER:
            raise Rejected("amount_out_of_range", f"`{name}` is not an amount that can be stored.")
        result[name] = minor
    return result
