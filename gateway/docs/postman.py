"""A Postman collection (format 2.1) made of the OpenAPI document: a folder for each chapter, a request for each operation.

https://schema.postman.com/collection/json/v2.1.0/draft-07/docs/index.html
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

_SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
_VARIABLES = (("base_url", "http://127.0.0.1:8000"), ("api_key", ""))


def collection(document: dict[str, Any]) -> dict[str, Any]:
    """The collection. Set its variables `base_url` and `api_key`; every request sends the key as its bearer."""
    folders: dict[str, list[dict[str, Any]]] = {tag["name"]: [] for tag in document["tags"]}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            folders[operation["tags"][0]].append(_request(method, path, operation))
    about = {tag["name"]: tag.get("description", "") for tag in document["tags"]}
    return {
        "info": {
            "name": document["info"]["title"],
            "description": document["info"]["description"],
            "schema": _SCHEMA,
        },
        "auth": {"type": "bearer", "bearer": [{"key": "token", "value": "{{api_key}}", "type": "string"}]},
        "variable": [{"key": name, "value": value} for name, value in _VARIABLES],
        "item": [
            {"name": name, "description": about[name], "item": requests}
            for name, requests in folders.items()
            if requests
        ],
    }


def _request(method: str, path: str, operation: Mapping[str, Any]) -> dict[str, Any]:
    parameters = [one for one in operation["parameters"] if "$ref" not in one]
    parts = [f":{part[1:-1]}" if part.startswith("{") else part for part in path.strip("/").split("/")]
    url: dict[str, Any] = {"raw": "{{base_url}}/" + "/".join(parts), "host": ["{{base_url}}"], "path": parts}
    url["variable"] = list(_variables(parameters, "path"))
    # Switched off: each would narrow the answer down to nothing as it stands.
    url["query"] = [{**one, "disabled": True} for one in _variables(parameters, "query")]
    request: dict[str, Any] = {
        "method": method.upper(),
        "url": url,
        "description": operation.get("description", ""),
        "header": [],
    }
    if operation.get("security") == []:
        request["auth"] = {"type": "noauth"}
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        text = json.dumps(content.get("example", {}), ensure_ascii=False, indent=2)
        request["header"] = [{"key": "Content-Type", "value": media_type}]
        request["body"] = {"mode": "raw", "raw": text, "options": {"raw": {"language": "json"}}}
        break
    return {"name": operation["summary"], "request": request, "response": []}


def _variables(parameters: list[Any], place: str) -> Iterator[dict[str, str]]:
    for one in parameters:
        if one["in"] == place:
            yield {"key": one["name"], "value": "", "description": one.get("description", "")}
