"""Names of schemas that generators of clients can use, and a walk over what lies inside of a schema. Pure."""

import re
from collections.abc import Iterator
from typing import Any

_ONE = ("items", "additionalProperties", "contains", "propertyNames", "not", "if", "then", "else")
_MANY = ("anyOf", "oneOf", "allOf", "prefixItems")
_NAMED = ("properties", "patternProperties", "dependentSchemas", "$defs")


def class_name(part: str, name: str) -> str:
    """`Page_KeyView_` of the gateway is `GatewayKeyViewPage`, the event `stock.low` is `EventStockLow`, `CouponView` of the
    coupon service is itself: letters and digits only, unique over all parts.
    """
    generic = re.fullmatch(r"([^_]+)_(.+)_", name)
    plain = f"{generic[2]}{generic[1]}" if generic else name
    said = plain.lower().startswith(part.removesuffix("s"))
    words = [*(() if said else (part,)), *re.split(r"[^A-Za-z0-9]+", plain)]
    return "".join(word[:1].upper() + word[1:] for word in words)


def titled(schema: Any, name: str) -> Any:
    """The schema with `name` as its title, and none inside: a generator would take `Kind` of two fields for one class.

    The schema itself is changed.
    """
    for one in _within(schema):
        one.pop("title", None)
    return {"title": name, **schema} if isinstance(schema, dict) else schema


def untitled(operation: dict[str, Any]) -> None:
    """Take the titles off the schemas that stand in an operation itself."""
    holders: list[Any] = [*operation.get("parameters", ())]
    for answer in (operation.get("requestBody", {}), *operation.get("responses", {}).values()):
        holders += answer.get("content", {}).values()
    for holder in holders:
        for one in _within(holder.get("schema")):
            one.pop("title", None)


def _within(schema: Any) -> Iterator[dict[str, Any]]:
    """The schema and every one inside of it. What is data (`const`, `default`, `examples`) is not looked into."""
    if not isinstance(schema, dict):
        return
    yield schema
    inside = [schema[word] for word in _ONE if word in schema]
    inside += [one for word in _MANY for one in schema.get(word, ())]
    inside += [one for word in _NAMED for one in schema.get(word, {}).values()]
    for one in inside:
        yield from _within(one)
