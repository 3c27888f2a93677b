"""The whole document, of all parts as they are: what generators, validators and people can rely on."""

import gzip
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker  # type: ignore[import-untyped] # publishes none
from openapi_spec_validator import OpenAPIV31SpecValidator

from gateway.docs.merging import merge
from gateway.routes import PUBLIC, ROUTES
from shared.clock import SystemClock
from shared.db import Database
from shared.external_ids import FORMAT
from shared.messaging import LocalBus
from shared.web.openapi_components import NAMES
from suite.parts import PARTS, SERVICES
from suite.wiring import build

# JSON Schema 2020-12: core, applicators, validation, meta-data, format, content; and what OpenAPI 3.1 adds.
_NAMED = ("properties", "patternProperties", "dependentSchemas", "$defs")
_MANY = ("anyOf", "oneOf", "allOf", "prefixItems")
_ONE = (
    "items", "additionalProperties", "contains", "propertyNames", "not", "if", "then", "else", "unevaluatedItems",
    "unevaluatedProperties", "contentSchema",
)  # fmt: skip
_PLAIN = (
    "$schema", "$id", "$ref", "$anchor", "$comment", "type", "enum", "const", "multipleOf", "maximum", "exclusiveMaximum",
    "minimum", "exclusiveMinimum", "maxLength", "minLength", "pattern", "maxItems", "minItems", "uniqueItems", "maxContains",
    "minContains", "maxProperties", "minProperties", "required", "dependentRequired", "title", "description", "default",
    "deprecated", "readOnly", "writeOnly", "examples", "format", "contentEncoding", "contentMediaType", "discriminator",
)  # fmt: skip
_WORDS = {*_NAMED, *_MANY, *_ONE, *_PLAIN}
_FORMATS = {"date-time", "date", "binary", "uri", "json-string", "json-pointer", FORMAT}
_NO_IDS = {
    "headers", "headers{}", "property", "value",
    "name", "fallback", "reason", "note", "remark", "description", "address", "subject", "body", "url", "link", "category",
    "login", "password", "current", "recovery_code",
    # known words, and what is parsed
    "cursor", "token", "short_code", "code", "codes", "prefix", "secret", "secret{}", "scheme", "scopes", "events", "types{}",
    "action", "event_type", "entry_kind", "edges", "allowed_ips", "identifier",
    "time_zone", "until", "within", "at_local", "for", "timeout", "timestamp", "sentAt",
    # data of the merchant's own, whatever its keys
    "rule{}", "facts{}", "profile{}", "properties{}", "customer{}", "event{}", "coupon{}", "journey{}", "orders{}",
}  # fmt: skip
"""Texts in requests that are no ids of the merchant's own. Any other is an `ExternalId`, or has a pattern or a choice."""


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The parts' own documents."""
    folder = tmp_path_factory.mktemp("document")
    bus = LocalBus(Database(f"sqlite:///{folder}/bus.db", schema="bus"), SystemClock())
    flags = {"data_dir": folder} | {f"{name}_url": "http://127.0.0.1:1" for name in SERVICES}
    parts = {name: build(name, flags if name == "gateway" else {"data_dir": folder}, bus) for name in PARTS}
    return {name: getattr(part, "admin", part.app).openapi() for name, part in parts.items()}


@pytest.fixture(scope="module")
def document(parts: Any) -> Any:
    return json.loads(json.dumps(merge(parts, ROUTES)))


def operations(document: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {path}", operation


def schemas(document: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema with where it stands, those inside of others too."""
    for name, schema in document["components"]["schemas"].items():
        yield from _within(name, schema)
    for kind in ("parameters", "headers"):
        for name, holder in document["components"][kind].items():
            yield from _within(name, holder["schema"])
    for name, operation in operations(document):
        holders = [one for one in operation["parameters"] if "$ref" not in one]
        for answer in (operation.get("requestBody", {}), *operation["responses"].values()):
            holders += answer.get("content", {}).values()
        for holder in holders:
            yield from _within(name, holder.get("schema", {}))


def _within(place: str, schema: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    if not isinstance(schema, dict):
        assert isinstance(schema, bool), place
        return
    yield place, schema
    inside = [schema[word] for word in _ONE if word in schema]
    inside += [one for word in _MANY for one in schema.get(word, ())]
    for one in inside:
        yield from _within(place, one)
    for word in _NAMED:
        for name, one in schema.get(word, {}).items():
            yield from _within(f"{place}/{name}", one)


def test_it_is_valid_and_every_schema_too(document: Any) -> None:
    OpenAPIV31SpecValidator(document).validate()
    for place, schema in schemas(document):
        Draft202012Validator.check_schema(schema)
        assert set(schema) <= _WORDS, f"{place} has words that JSON Schema does not know"
        assert schema.get("format", "date") in _FORMATS, place


def test_every_reference_leads_somewhere(document: Any) -> None:
    text = json.dumps(document)
    for kind, found in document["components"].items():
        for name in found if kind not in ("schemas", "securitySchemes") else ():
            assert f'"#/components/{kind}/{name}"' in text, f"{kind}/{name} is used nowhere"
    for part in text.split('"$ref": "#/components/')[1:]:
        kind, name = part[: part.index('"')].split("/")
        assert name in document["components"][kind]


def test_each_schema_has_a_title_of_its_own_that_can_name_a_class(document: Any) -> None:
    components = document["components"]["schemas"]
    assert {schema["title"] for schema in components.values()} == set(components)
    titles = Counter(schema["title"].lower() for _, schema in schemas(document) if "title" in schema)
    assert [title for title, times in titles.items() if times > 1] == []
    assert all(name.isidentifier() and name.isascii() and "_" not in name for name in components)


def test_examples_and_defaults_meet_their_schemas(document: Any) -> None:
    seen = 0
    for place, schema in schemas(document):
        given = [*schema.get("examples", ()), *([schema["default"]] if schema.get("default") is not None else ())]
        for example in given:
            _check(document, schema, example, place)
        seen += len(given)
    for item in document["webhooks"].values():
        content = item["post"]["requestBody"]["content"]["application/json"]
        _check(document, content["schema"], content["example"], item["post"]["operationId"])
    for header in document["components"]["headers"].values():
        if "example" in header:
            _check(document, header["schema"], header["example"], header["description"])
    assert seen > 50


def test_every_operation_shows_a_request_and_what_it_is_answered(document: Any) -> None:
    """Made against the sample shop by `tests/scenarios/test_api_examples.py`."""
    for name, operation in operations(document):
        for one in operation["parameters"]:
            if one.get("in") == "path" or "example" in one:
                _check(document, one["schema"], one["example"], name)
        bodies = operation.get("requestBody", {}).get("content", {})
        if "application/json" in bodies:
            assert "example" in bodies["application/json"], name
            _check(document, bodies["application/json"]["schema"], bodies["application/json"]["example"], name)
        shown = [
            (content.get("schema", {}), content["example"])
            for status, answer in operation["responses"].items()
            for content in answer.get("content", {}).values()
            if status[0] == "2" and "example" in content
        ]
        silent = all("content" not in answer for status, answer in operation["responses"].items() if status[0] == "2")
        assert len(shown) == (0 if silent else 1), name
        for schema, example in shown:
            _check(document, schema, example, name)
    for name, response in document["components"]["responses"].items():
        (content,) = response["content"].values()
        _check(document, content["schema"], content["example"], name)
        statuses = [status for status, called in NAMES.items() if called == name]
        assert str(content["example"]["status"])[: 1 if statuses[0][1:] == "XX" else 3] == statuses[0].removesuffix(
            "XX"
        )


def _check(document: Any, schema: Any, example: Any, place: str) -> None:
    root = {**schema, "components": document["components"]}
    errors = [
        error.message for error in Draft202012Validator(root, format_checker=FormatChecker()).iter_errors(example)
    ]
    assert errors == [], place


def test_every_operation_names_the_headers_that_it_reads(document: Any) -> None:
    scopes = {f"{route.method} {route.template}": route.scope for route in ROUTES}
    for name, operation in operations(document):
        read = {one["$ref"].rsplit("/", 1)[1] for one in operation["parameters"] if "$ref" in one}
        assert "RequestId" in read
        keyed = scopes[name] != PUBLIC and not name.startswith("GET")
        assert ("IdempotencyKey" in read) == keyed, name
    claim = document["paths"]["/v1/coupon-templates/{template_id}/claims"]["post"]
    quote = document["paths"]["/v1/quotes"]["post"]
    for operation in (claim, quote):
        read = {one["$ref"].rsplit("/", 1)[1] for one in operation["parameters"] if "$ref" in one}
        assert {"DeviceId", "ClientAddress"} <= read
    key = document["components"]["parameters"]["IdempotencyKey"]
    assert (key["name"], key["in"], key.get("required", False)) == ("Idempotency-Key", "header", False)


def test_every_answer_names_the_headers_that_it_carries(document: Any) -> None:
    for name, operation in operations(document):
        answers = operation["responses"]
        told = next(answer["headers"] for status, answer in answers.items() if status[0] == "2")
        assert "X-Request-Id" in told, name
        assert ("Idempotent-Replayed" in told) == any("IdempotencyKey" in str(one) for one in operation["parameters"])
        if operation.get("security") != []:
            assert {"RateLimit", "RateLimit-Policy", "Deprecation", "Sunset"} <= set(told), name
            assert {"401", "403", "429"} <= set(answers), name
        assert {"4XX", "5XX", "503"} <= set(answers), name
        assert ("404" in answers) or "{" not in name
        assert all(set(answer) == {"$ref"} for status, answer in answers.items() if status[0] in "45"), name
    responses = document["components"]["responses"]
    assert "Retry-After" in responses["TooManyRequests"]["headers"]
    assert "Retry-After" in responses["Unavailable"]["headers"]
    assert "RateLimit" in responses["TooManyRequests"]["headers"]
    assert "WWW-Authenticate" in responses["Unauthorized"]["headers"]
    for response in responses.values():
        assert "X-Request-Id" in response["headers"]
        assert list(response["content"]) == ["application/problem+json"]
    for hook in document["webhooks"].values():
        signed = {one["name"] for one in hook["post"]["parameters"]}
        assert signed == {"webhook-id", "webhook-timestamp", "webhook-signature"}


def test_it_stays_small(document: Any) -> None:
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    count = len(list(operations(document)))
    assert len(text) / count < 3_500, "bytes for each operation, as it is"
    assert len(gzip.compress(text, 1)) / count < 600, "and as it travels, a fifth of it examples"


def _texts(document: Any, schema: Any, field: str, seen: set[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The texts within a schema of a request, each with the name of its field; `name{}` for the keys of an object."""
    if not isinstance(schema, dict):
        return
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        if name not in seen:
            seen.add(name)
            yield from _texts(document, document["components"]["schemas"][name], field, seen)
        return
    if schema.get("type") == "string":
        yield field, schema
    for word in _MANY:
        for one in schema.get(word, ()):
            yield from _texts(document, one, field, seen)
    for word in ("items", "additionalProperties"):
        yield from _texts(document, schema.get(word), field, seen)
    yield from _texts(
        document,
        {"type": "string", **schema["propertyNames"]} if "propertyNames" in schema else None,
        f"{field}{{}}",
        seen,
    )
    for name, one in (schema.get("properties", {}) | schema.get("patternProperties", {})).items():
        yield from _texts(document, one, name, seen)


def test_every_id_that_a_caller_chooses_is_of_the_one_type(document: Any) -> None:
    found: dict[str, set[str]] = {}
    seen: set[str] = set()
    for place, operation in operations(document):
        given = [(one["name"], one["schema"]) for one in operation["parameters"] if one.get("in") == "query"]
        given += [("", content["schema"]) for content in operation.get("requestBody", {}).get("content", {}).values()]
        for name, schema in given:
            for field, text in _texts(document, schema, name, seen):
                if text.keys().isdisjoint(("format", "pattern", "enum", "const")):
                    found.setdefault(field, set()).add(place)
    assert {name: places for name, places in found.items() if name not in _NO_IDS} == {}
    assert set(found) == _NO_IDS, "what is no longer there"
