"""Completes FastAPI's OpenAPI document: hot routes, required scopes, one problem shape for every error."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.params import Depends as DependsParam
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel

from shared.web.hot import HotRoute, operation
from shared.web.identity import Needs
from shared.web.problems import MEDIA_TYPE, ProblemDocument

_PROBLEM = {"$ref": "#/components/schemas/Problem"}


def build(api: FastAPI, hot_routes: Sequence[HotRoute]) -> dict[str, Any]:
    """The part's document, OpenAPI 3.1."""
    document = get_openapi(
        title=api.title, version=api.version, description=api.description, routes=api.routes, openapi_version="3.1.0"
    )
    schemas: dict[str, Any] = document.setdefault("components", {}).setdefault("schemas", {})

    def reference(model: type[BaseModel]) -> Mapping[str, Any]:
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(schema.pop("$defs", {}))
        schemas[model.__name__] = schema
        return {"$ref": f"#/components/schemas/{model.__name__}"}

    reference(ProblemDocument)
    schemas["Problem"] = schemas.pop("ProblemDocument")
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    scopes = _scopes(api)
    for route in hot_routes:
        document["paths"].setdefault(route.path, {})[route.method.lower()] = operation(route, reference)
        scopes[route.method, route.path] = route.scope
    for path, operations in document["paths"].items():
        for method, details in operations.items():
            _complete(details, scopes.get((method.upper(), path)))
    return document


def _complete(details: dict[str, Any], scope: str | None) -> None:
    responses = details["responses"]
    responses.pop("422", None)
    error = {"description": "A problem document (RFC 9457)", "content": {MEDIA_TYPE: {"schema": _PROBLEM}}}
    for status in [status for status in responses if status[0] in "45"]:
        responses[status].setdefault("content", error["content"])
    responses.setdefault("4XX", error)
    responses.setdefault("5XX", error)
    if scope is not None:
        details["x-required-scope"] = scope


def _scopes(api: FastAPI) -> dict[tuple[str, str], str]:
    found = {}
    for context in iter_route_contexts(api.routes):
        route: Any = context.original_route
        endpoint = getattr(route, "endpoint", None)
        if endpoint is None or not inspect.isfunction(endpoint):
            continue
        scope = _scope_of(endpoint)
        if scope is not None:
            for method in route.methods or ():
                found[method, route.path] = scope
    return found


def _scope_of(endpoint: Any) -> str | None:
    for hint in get_type_hints(endpoint, include_extras=True).values():
        if get_origin(hint) is Annotated:
            for extra in get_args(hint)[1:]:
                if isinstance(extra, DependsParam) and isinstance(extra.dependency, Needs):
                    return extra.dependency.scope
    return None
