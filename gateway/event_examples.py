"""An example of each event as the world sees it, made from its contract: for the documents, and to be sent as a test."""

from collections.abc import Mapping
from typing import Any

from shared.contracts import Event

_MOMENT = "2026-11-11T02:00:00Z"
_BY_NAME: dict[str, Any] = {
    "currency": "CNY",
    "amount": 5000,
    "customer_id": "c1",
    "order_id": "o-1001",
    "sku": "s1",
    "channel": "app",
    "code": "7Q4M-2KXD",
    "quantity": 2,
    "version": 3,
    "reason": "customer_cancelled",
    "benefit": {"kind": "amount_off", "amount": 5000},
    "location_id": "wh-sh",
}
_PREFIXES = {
    "coupon_id": "cpn",
    "template_id": "tpl",
    "checkout_id": "chk",
    "segment_id": "seg",
    "profile_id": "prf",
    "journey_id": "jny",
    "run_id": "run",
    "message_id": "msg",
    "reservation_id": "rsv",
    "endpoint_id": "whe",
    "owner_id": "own",
}


def example_of(event: type[Event]) -> dict[str, Any]:
    """A body of this type that its schema accepts."""
    data = event.model_json_schema()
    return {"type": event.name, "timestamp": _MOMENT, "data": _value("data", data, data.get("$defs", {}))}


def _value(name: str, schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Any:
    if "$ref" in schema:
        return _value(name, definitions[schema["$ref"].rsplit("/", 1)[1]], definitions)
    for chosen in ("const", "default"):
        if schema.get(chosen) is not None:
            return schema[chosen]
    if "enum" in schema:
        return schema["enum"][0]
    if "anyOf" in schema:
        options = [option for option in schema["anyOf"] if option.get("type") != "null"]
        return _value(name, options[0], definitions)
    kind = schema.get("type")
    if kind == "object" and "properties" in schema:
        return {key: _value(key, one, definitions) for key, one in schema["properties"].items()}
    if kind == "array":
        return [_value(name, schema["items"], definitions)] if schema.get("items") else []
    if name in _BY_NAME:
        return _BY_NAME[name]
    return _plain(name, schema)


def _plain(name: str, schema: Mapping[str, Any]) -> Any:
    kind = schema.get("type")
    if kind == "string":
        if schema.get("format") == "date-time":
            return _MOMENT
        return f"{_PREFIXES[name]}_01K9QZ0000000000000000000" if name in _PREFIXES else name
    if kind in ("integer", "number"):
        return max(10, int(schema.get("minimum", 0)))
    return {"boolean": True, "object": {}}.get(str(kind))
