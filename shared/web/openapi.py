"""Completes FastAPI's OpenAPI document: hot routes, required scopes, headers, one problem shape for every error."""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from fastapi import FastAPI
from fastapi.encoders import jsonable_encoder
from fastapi.openapi.models import Schema
from fastapi.openapi.utils import get_openapi
from fastapi.params import Depends as DependsParam
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel

from shared.web.client import client_of_request
from shared.web.hot import HotRoute, operation
from shared.web.identity import Needs
from shared.web.openapi_components import complete, components
from shared.web.problems import ProblemDocument


def build(api: FastAPI, hot_routes: Sequence[HotRoute]) -> dict[str, Any]:
    """The part's document, OpenAPI 3.1."""
    document = get_openapi(
        title=api.title, version=api.version, description=api.description, routes=api.routes, openapi_version="3.1.0"
    )
    schemas: dict[str, Any] = document.setdefault("components", {}).setdefault("schemas", {})

    def reference(model: type[BaseModel]) -> Mapping[str, Any]:
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
        for name, one in {**schema.pop("$defs", {}), model.__name__: schema}.items():
            schemas[name] = _as_fastapi_writes(one)
        return {"$ref": f"#/components/schemas/{model.__name__}"}

    reference(ProblemDocument)
    schemas["Problem"] = schemas.pop("ProblemDocument")
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    document["components"].update(components())
    needed = _needed(api)
    for route in hot_routes:
        document["paths"].setdefault(route.path, {})[route.method.lower()] = operation(route, reference)
        called = document["paths"][route.path][route.method.lower()]["operationId"]
        needed[route.method, route.path] = (route.scope, route.client, called)
    for path, operations in document["paths"].items():
        for method, details in operations.items():
            scope, client, name = needed.get((method.upper(), path), (None, False, details["operationId"]))
            details["operationId"] = name
            complete(details, method, scope, client)
            if scope is not None:
                details["x-required-scope"] = scope
    return document


def _as_fastapi_writes(schema: dict[str, Any]) -> Any:
    return jsonable_encoder(Schema.model_validate(schema), by_alias=True, exclude_none=True)


def _needed(api: FastAPI) -> dict[tuple[str, str], tuple[str | None, bool, str]]:
    """What each route asks for: its scope, and whether who sits at the other end; and its function's name, which is its id."""
    found = {}
    for context in iter_route_contexts(api.routes):
        route: Any = context.original_route
        endpoint = getattr(route, "endpoint", None)
        if inspect.isfunction(endpoint):
            asked = list(_dependencies(endpoint))
            scope = next((one.scope for one in asked if isinstance(one, Needs)), None)
            for method in route.methods or ():
                found[method, route.path] = (scope, client_of_request in asked, endpoint.__name__)
    return found


def _dependencies(endpoint: Any) -> Iterator[Any]:
    for hint in get_type_hints(endpoint, include_extras=True).values():
        if get_origin(hint) is Annotated:
            yield from (one.dependency for one in get_args(hint)[1:] if isinstance(one, DependsParam))
