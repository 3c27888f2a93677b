"""Is a changed contract still readable by whoever wrote or reads the old one? Pure comparison of two JSON schemas.

Additive changes pass: a new optional field, a default for a field that had none, one more word in a choice of words.
Everything else breaks a message that is already in a queue, or a reader (a service of the older release, a partner's
webhook endpoint) that knows the older shape; also null where there was always a value.
"""

from typing import Any

Schema = dict[str, Any]


def breaking_changes(old: Schema, new: Schema) -> list[str]:
    """What `new` takes away from `old`, one sentence each; empty when the change is additive.

    Both are what `Event.model_json_schema()` answers (an object schema with `$defs`).
    """
    return _compare("", old, new, old.get("$defs", {}), new.get("$defs", {}))


def _resolve(schema: Schema, definitions: Schema) -> Schema:
    reference = schema.get("$ref")
    return definitions[reference.rsplit("/", 1)[1]] if reference else schema


def _compare(path: str, old: Schema, new: Schema, old_defs: Schema, new_defs: Schema) -> list[str]:
    old, new = _resolve(old, old_defs), _resolve(new, new_defs)
    found = _objects(path, old, new, old_defs, new_defs)
    before, after = _alternatives(old), _alternatives(new)
    if missing := before - after:
        found.append(f"{path or 'the event'} no longer takes {', '.join(sorted(missing))}")
    if added := {kind for kind in after - before if not kind.startswith("'")}:
        found.append(f"{path or 'the event'} now also takes {', '.join(sorted(added))}")
    for key in ("items", "additionalProperties"):
        if isinstance(old.get(key), dict) and isinstance(new.get(key), dict):
            found += _compare(f"{path}[]", old[key], new[key], old_defs, new_defs)
    old_objects, new_objects = _branches(old, old_defs), _branches(new, new_defs)
    if len(old_objects) == len(new_objects) == 1:
        found += _objects(path, old_objects[0], new_objects[0], old_defs, new_defs)
    return found


def _objects(path: str, old: Schema, new: Schema, old_defs: Schema, new_defs: Schema) -> list[str]:
    """Fields of an object: none gone, none newly required, each one itself compatible."""
    found: list[str] = []
    before, after = old.get("properties", {}), new.get("properties", {})
    for name, schema in before.items():
        where = f"{path}.{name}".lstrip(".")
        if name not in after:
            found.append(f"{where} is gone")
        else:
            found += _compare(where, schema, after[name], old_defs, new_defs)
    newly_required = set(new.get("required", ())) - set(old.get("required", ()))
    return found + [f"{path}.{name}".lstrip(".") + " is newly required" for name in sorted(newly_required)]


def _alternatives(schema: Schema) -> set[str]:
    """The kinds of value a schema takes, as comparable words: `string`, `string:date-time`, `'claim'`, `null` …"""
    if "anyOf" in schema:
        return set().union(*(_alternatives(one) for one in schema["anyOf"]))
    if "$ref" in schema:
        return {"object"}
    if "const" in schema:
        return {repr(schema["const"])}
    if "enum" in schema:
        return {repr(value) for value in schema["enum"]}
    if "type" not in schema:
        return {"anything"}
    kind = schema["type"]
    return {f"{kind}:{schema['format']}" if "format" in schema else str(kind)}


def _branches(schema: Schema, definitions: Schema) -> list[Schema]:
    """The object alternatives of an `anyOf` (an optional nested model)."""
    options = [_resolve(one, definitions) for one in schema.get("anyOf", ())]
    return [one for one in options if "properties" in one]
