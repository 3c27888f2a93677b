"""Bodies made from an OpenAPI document, and the same ones broken at known places."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Place = tuple[str | int, ...]
Schema = Mapping[str, Any]
_DEEPEST = 12


@dataclass(frozen=True)
class Broken:
    """A body with something wrong at each of `places`; `gone` are places where something required is missing."""

    body: Any
    places: frozenset[Place]
    gone: frozenset[Place] = frozenset()


class Bodies:
    """Bodies of one document's schemas."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._schemas: Mapping[str, Any] = document["components"]["schemas"]

    def broken(self, schema: Schema) -> Iterator[Broken]:
        """Every field of wrong type, every required one left out, every closed object with one field too many; each kind
        of every union, at most 40 faults in a body, none inside another.
        """
        for number in range(self._kinds(schema)):
            whole = self.example(schema, number)
            fields = list(self._walk(schema, whole, number, ()))
            tags = {place for place, _ in fields if place[-1:] == ("kind",)}
            for some in _apart([one for one in _wrong(fields) if one[0]], tags):
                body = copy.deepcopy(whole)
                for place, value in some:
                    _at(body, place[:-1])[place[-1]] = value
                yield Broken(body, frozenset(place for place, _ in some))
            required = [((*place, name), None) for place, inner in fields for name in inner.get("required", ())]
            for some in _apart(required, tags):
                body = copy.deepcopy(whole)
                for place, _ in some:
                    del _at(body, place[:-1])[place[-1]]
                yield Broken(body, frozenset(), frozenset(place for place, _ in some))

    def times(self, schema: Schema) -> Iterator[tuple[Any, Place]]:
        """A body for each time that is in it, and where."""
        for number in range(self._kinds(schema)):
            whole = self.example(schema, number)
            for place, inner in self._walk(schema, whole, number, ()):
                if inner.get("format") == "date-time":
                    yield whole, place

    def example(self, schema: Schema, number: int = 0, depth: int = 0) -> Any:
        """A value of right types with everything in it; `number` chooses the kinds of unions."""
        schema = self._chosen(schema, number)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return schema["enum"][0]
        match schema.get("type"):
            case "object":
                if "properties" in schema:
                    return {
                        name: self.example(one, number, depth + 1)
                        for name, one in schema["properties"].items()
                        if depth < _DEEPEST or name in schema.get("required", ())
                    }
                return {"x": self.example(schema["additionalProperties"], number, depth + 1)} if _typed(schema) else {}
            case "array":
                if "prefixItems" in schema:
                    return [self.example(one, number, depth + 1) for one in schema["prefixItems"]]
                return [self.example(schema["items"], number, depth + 1)] * max(1, schema.get("minItems", 0))
            case "string":
                return (
                    "2030-01-01T00:00:00Z"
                    if schema.get("format") == "date-time"
                    else "x" * max(1, schema.get("minLength", 1))
                )
            case "integer" | "number":
                return schema.get("minimum", 1)
            case "boolean":
                return False
        return None

    def _walk(self, schema: Schema, value: Any, number: int, at: Place) -> Iterator[tuple[Place, Schema]]:
        schema = self._chosen(schema, number)
        yield at, schema
        if isinstance(value, dict):
            for name, one in value.items():
                inner = schema.get("properties", {}).get(name, schema.get("additionalProperties"))
                if isinstance(inner, dict):
                    yield from self._walk(inner, one, number, (*at, name))
        elif isinstance(value, list) and value:
            inner = schema.get("prefixItems", [schema.get("items")])[0]
            yield from self._walk(inner, value[0], number, (*at, 0))

    def _chosen(self, schema: Schema, number: int) -> Schema:
        if "$ref" in schema:
            return self._chosen(self._schemas[schema["$ref"].rpartition("/")[2]], number)
        for word in ("anyOf", "oneOf", "allOf"):
            if word in schema:
                kinds = [one for one in schema[word] if one.get("type") != "null"]
                types = {self._chosen(one, number).get("type") for one in kinds}
                return {"types": types, **self._chosen(kinds[number % len(kinds)], number)}
        return schema

    def parameters(self, operation: Mapping[str, Any], kind: str) -> list[str]:
        """Names of the query parameters that are of that type or format."""
        asked = [one for one in operation.get("parameters", ()) if one.get("in") == "query"]
        kinds = {one["name"]: self._chosen(one["schema"], 0) for one in asked}
        return [name for name, one in kinds.items() if kind in (one.get("type"), one.get("format"))]

    def holds(self, schema: Schema, parts: Sequence[str]) -> bool:
        """Whether a body of that schema can have something there. `*` is any name or number; free objects hold anything."""
        if "$ref" in schema:
            return self.holds(self._schemas[schema["$ref"].rpartition("/")[2]], parts)
        kinds = [one for word in ("anyOf", "oneOf", "allOf") for one in schema.get(word, ())]
        if kinds:
            return any(self.holds(one, parts) for one in kinds)
        if not parts or (schema.get("type") == "object" and "properties" not in schema and not _typed(schema)):
            return True
        part, rest = parts[0], parts[1:]
        inner = [one for name, one in schema.get("properties", {}).items() if part in (name, "*")]
        inner += [schema["items"]] if "items" in schema and part.isdecimal() | (part == "*") else []
        inner += [schema["additionalProperties"]] if _typed(schema) else []
        return any(self.holds(one, rest) for one in inner)

    def _kinds(self, schema: Schema, depth: int = 0) -> int:
        if depth > _DEEPEST:
            return 1
        if "$ref" in schema:
            return self._kinds(self._schemas[schema["$ref"].rpartition("/")[2]], depth + 1)
        inner = [*schema.get("properties", {}).values(), schema.get("items"), schema.get("additionalProperties")]
        kinds = [
            one for word in ("anyOf", "oneOf", "allOf") for one in schema.get(word, ()) if one.get("type") != "null"
        ]
        below = [self._kinds(one, depth + 1) for one in (*inner, *kinds) if isinstance(one, dict)]
        return max([1, len(kinds), *below])


def _wrong(fields: list[tuple[Place, Schema]]) -> Iterator[tuple[Place, Any]]:
    for place, inner in fields:
        if "const" in inner or "enum" in inner or "type" in inner:
            yield place, _of_no_type({inner.get("type")} | inner.get("types", set()))
        if inner.get("additionalProperties") is False:
            yield (*place, "surprise"), 1


def _of_no_type(types: set[str | None]) -> Any:
    """A value that none of the kinds of a field takes."""
    if "array" not in types:
        return [{"wrong": True}]
    return {"wrong": True} if "string" in types else "wrong"


def _apart(faults: list[tuple[Place, Any]], tags: set[Place]) -> Iterator[list[tuple[Place, Any]]]:
    """A wrong tag hides what else is wrong beside it, and a field what is inside of it."""
    for depth, tag in sorted({(len(place), place in tags) for place, _ in faults}):
        level = [one for one in faults if (len(one[0]), one[0] in tags) == (depth, tag)]
        yield from (level[start : start + 40] for start in range(0, len(level), 40))


def _typed(schema: Schema) -> bool:
    return isinstance(schema.get("additionalProperties"), dict) and bool(schema["additionalProperties"])


def _at(body: Any, place: Place) -> Any:
    for part in place:
        body = body[part]
    return body
