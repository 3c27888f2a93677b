"""Makes one OpenAPI 3.1 document of the parts' documents. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from gateway.docs import door
from gateway.docs.events import webhooks
from gateway.docs.schemas import class_name, titled, untitled
from gateway.routes import Route

_SHARED = frozenset(("Problem", "FieldError"))
"""Schemas that every part has from the same place; they keep their names. So do all other components."""
_METHODS = frozenset(("get", "put", "post", "delete", "options", "head", "patch", "trace"))
_INTRODUCTION = """One door for coupons 优惠券, segments 人群, journeys 旅程 and stock 库存.

Money is an integer in the currency's minor unit, rates are basis points, times are RFC 3339 text with offset. Every answer
that is no success is a problem document (RFC 9457): its `detail` says what to do, its `code` is stable. Unsafe calls take an
optional `Idempotency-Key`. Lists answer `data`, `has_more` and `next_cursor`. What an operation does not read (a parameter, a
field, a body) is refused. Texts of the format `external-id` are ids of your own: no blanks at the ends, nothing invisible, NFC.
"""


def merge(
    documents: Mapping[str, Mapping[str, Any]], routes: Iterable[Route], missing: Iterable[str] = ()
) -> dict[str, Any]:
    """One document of all parts. Operations that the route table does not list are left out: nobody can reach them.

    `documents` is by part; `missing` names the parts whose document could not be had.
    """
    listed = {(route.service, route.method.lower(), route.template): route for route in routes}
    paths: dict[str, Any] = {}
    schemas: dict[str, Any] = {}
    common: dict[str, dict[str, Any]] = {"parameters": {}, "headers": door.headers(), "responses": {}}
    tags: list[dict[str, str]] = []
    for part, document in documents.items():
        names = _renamed(part, document.get("components", {}).get("schemas", {}))
        for path, item in document.get("paths", {}).items():
            for method, operation in item.items():
                route = listed.get((part, method, path))
                if method in _METHODS and route is not None:
                    paths.setdefault(path, {})[method] = _operation(part, _rewritten(operation, names), route)
        for name, schema in document.get("components", {}).get("schemas", {}).items():
            schemas.setdefault(names[name], titled(_rewritten(schema, names), names[name]))
        for kind, found in common.items():
            found.update(_rewritten(document.get("components", {}).get(kind, {}), names))
        tags += [{"name": tag} for tag in _tags(paths) if {"name": tag} not in tags]
    door.tell(common["responses"])
    hooks, hook_schemas = webhooks()
    schemas |= {name: titled(schema, name) for name, schema in hook_schemas.items()}
    merged: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "Quanyu 全域",
            "version": "1",
            "description": _INTRODUCTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": dict(sorted(paths.items())),
        "webhooks": hooks,
        "components": {
            "schemas": dict(sorted(schemas.items())),
            **common,
            "securitySchemes": door.SECURITY_SCHEMES,
        },
        "security": door.SECURITY,
        "tags": sorted(tags, key=lambda tag: tag["name"]),
    }
    gone = sorted(missing)
    if gone:
        merged["x-missing-parts"] = gone
    return merged


def _renamed(part: str, schemas: Mapping[str, Any]) -> dict[str, str]:
    return {name: name if name in _SHARED else class_name(part, name) for name in schemas}


def _operation(part: str, operation: dict[str, Any], route: Route) -> dict[str, Any]:
    operation["operationId"] = f"{part}_{operation.get('operationId', route.method + route.template)}"
    operation["tags"] = [f"{part} {tag}" for tag in operation.get("tags") or ["other"]]
    untitled(operation)
    door.guard(operation, route)
    return operation


def _rewritten(node: Any, names: Mapping[str, str]) -> Any:
    """A copy of `node` in which every reference to a schema has its new name."""
    if isinstance(node, dict):
        return {
            key: _reference(value, names) if _refers(key, value) else _rewritten(value, names)
            for key, value in node.items()
        }
    if isinstance(node, list):
        return [_rewritten(one, names) for one in node]
    return _reference(node, names) if isinstance(node, str) and node.startswith("#/components/schemas/") else node


def _refers(key: str, value: Any) -> bool:
    return key == "$ref" and isinstance(value, str)


def _reference(value: str, names: Mapping[str, str]) -> str:
    base, _, name = value.rpartition("/")
    return f"{base}/{names.get(name, name)}"


def _tags(paths: Mapping[str, Any]) -> list[str]:
    found = [tag for item in paths.values() for operation in item.values() for tag in operation["tags"]]
    return list(dict.fromkeys(found))
