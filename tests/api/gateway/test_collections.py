"""What is to be downloaded beside OpenAPI: a Postman collection and the events as AsyncAPI."""

import json
from typing import Any

import pytest
from api.gateway.test_openapi_document import operations, parts
from jsonschema import Draft202012Validator  # type: ignore[import-untyped] # publishes none

from gateway.docs.asyncapi import asyncapi
from gateway.docs.merging import merge
from gateway.docs.postman import collection
from gateway.routes import PUBLIC, ROUTES
from shared.contracts import public_names

__all__ = ["parts"]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_collection_has_each_operation_in_its_chapter_with_the_key_as_its_bearer(parts: Any, language: Any) -> None:
    document = merge(parts, ROUTES, language=language)
    made = json.loads(json.dumps(collection(document)))
    assert made["info"]["schema"] == "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
    assert made["auth"] == {"type": "bearer", "bearer": [{"key": "token", "value": "{{api_key}}", "type": "string"}]}
    assert {one["key"] for one in made["variable"]} == {"base_url", "api_key"}
    named = [tag["name"] for tag in document["tags"]]
    assert [folder["name"] for folder in made["item"]] == named[:-1], "what arrives at an endpoint is not called"
    found = {}
    for folder in made["item"]:
        for one in folder["item"]:
            request = one["request"]
            parts_of_path = ["{" + part[1:] + "}" if part[0] == ":" else part for part in request["url"]["path"]]
            found[f"{request['method']} /{'/'.join(parts_of_path)}"] = one
            assert request["url"]["raw"] == "{{base_url}}/" + "/".join(request["url"]["path"])
            assert {one["key"] for one in request["url"]["variable"]} == {
                part[1:] for part in request["url"]["path"] if part[0] == ":"
            }
            assert all(one["disabled"] for one in request["url"]["query"])
    assert found.keys() == {name for name, _ in operations(document)}
    open_ones = {f"{route.method} {route.template}" for route in ROUTES if route.scope == PUBLIC}
    for name, operation in operations(document):
        request = found[name]["request"]
        assert found[name]["name"] == operation["summary"]
        assert ("auth" in request) == (name in open_ones)
        assert ("body" in request) == ("requestBody" in operation)


def test_asyncapi_has_each_public_event_and_its_example_meets_its_schema() -> None:
    document = json.loads(json.dumps(asyncapi()))
    messages = document["components"]["messages"]
    assert list(messages) == public_names()
    assert document["channels"]["webhooks"]["messages"] == {
        name: {"$ref": f"#/components/messages/{name}"} for name in messages
    }
    for part in json.dumps(document).split('"$ref": "#/')[1:]:
        node: Any = document
        for step in part[: part.index('"')].split("/"):
            node = node[step]
    for name, message in messages.items():
        schema = {**message["payload"], "components": document["components"]}
        ((example,),) = [message["examples"]]
        Draft202012Validator(schema).validate(example["payload"])
        assert message["summary"], name
        assert message["headers"]["required"] == ["webhook-id", "webhook-timestamp", "webhook-signature"]
