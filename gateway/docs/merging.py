"""Makes one OpenAPI 3.1 document of the parts' documents. Pure."""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any

from gateway.docs import door
from gateway.docs.events import webhooks
from gateway.docs.examples import show
from gateway.docs.languages import Language, tell
from gateway.docs.schemas import class_name, titled, untitled
from gateway.docs.tags import chapter
from gateway.routes import Route

_SHARED = frozenset(("Problem", "FieldError"))
"""Schemas that every part has from the same place; they keep their names. So do all other components."""
_METHODS = frozenset(("get", "put", "post", "delete", "options", "head", "patch", "trace"))


def merge(
    documents: Mapping[str, Mapping[str, Any]],
    routes: Iterable[Route],
    missing: Iterable[str] = (),
    language: Language = "en",
) -> dict[str, Any]:
    """One document of all parts in one language. What the route table does not list is left out: nobody can reach it.

    `documents` is by part; `missing` names the parts whose document could not be had.
    """
    listed = {(route.service, route.method.lower(), route.template): route for route in routes}
    paths: dict[str, Any] = {}
    schemas: dict[str, Any] = {}
    common: dict[str, dict[str, Any]] = {"parameters": {}, "headers": door.headers(), "responses": {}}
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
    door.tell(common["responses"])
    hooks, hook_schemas = webhooks()
    schemas |= {name: titled(schema, name) for name, schema in hook_schemas.items()}
    merged: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "Quanyu 全域",
            "version": "1",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": dict(sorted(paths.items())),
        "webhooks": hooks,
        "components": {
            "schemas": dict(sorted(schemas.items())),
            **common,
            "securitySchemes": deepcopy(door.SECURITY_SCHEMES),
        },
        "security": door.SECURITY,
    }
    gone = sorted(missing)
    if gone:
        merged["x-missing-parts"] = gone
    show(merged)
    return tell(merged, language)


def _renamed(part: str, schemas: Mapping[str, Any]) -> dict[str, str]:
    return {name: name if name in _SHARED else class_name(part, name) for name in schemas}


def _operation(part: str, operation: dict[str, Any], route: Route) -> dict[str, Any]:
    operation["tags"] = [chapter(part, tag) for tag in operation.get("tags") or ["other"]]
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
