"""The event catalogue 事件目录: `docs/events.md` and one schema snapshot per event, both made from the contracts.

`python -m shared.contracts.catalogue` compares them with the code and exits 1 when they differ;
`python -m shared.contracts.catalogue --write` brings them up to date. A breaking change is refused: publish a new event
beside the old one, or, for an event that was never released, delete its snapshot by hand first.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from shared.contracts import REGISTRY, Envelope, Event
from shared.contracts.compatibility import breaking_changes

ROOT = Path(__file__).resolve().parents[2]
CATALOGUE = Path("docs/events.md")
SNAPSHOTS = Path("tests/architecture/snapshots")
OWNERS = {
    "coupon": "Coupon 优惠券",
    "segments": "Segments 人群",
    "journey": "Journey 旅程",
    "inventory": "Inventory 库存",
    "gateway": "Gateway 网关",
}

_INTRODUCTION = """# Events 事件目录

Made from `shared/contracts/` by `python -m shared.contracts.catalogue --write`; a test compares it with the code.
Don't edit it by hand.

Every message travels as a *pack*, a JSON array of envelopes of one event name. An event may come twice and in any order:
consumers know it by the envelope's `id`. Readers ignore fields they don't know; changes are additive, a breaking one is a
new event beside the old one. Public events 公开事件 are also webhook types: the envelope's `id` is the `webhook-id`.
Money is an integer in the currency's minor unit, times are RFC 3339 in UTC.
"""


def snapshot(event: type[Event]) -> dict[str, Any]:
    """What is held still of one event: its name, owner, version, public mark and JSON schema."""
    return {
        "name": event.name,
        "owner": event.owner,
        "version": event.version,
        "public": event.public,
        "schema": event.model_json_schema(),
    }


def snapshot_changes(before: dict[str, Any], event: type[Event]) -> list[str]:
    """What `event` breaks against its snapshot; empty when every change is additive."""
    now = snapshot(event)
    found = [f"{key} was {before[key]!r}" for key in ("name", "owner") if before[key] != now[key]]
    if before["public"] and not now["public"]:
        found.append("it was public: receivers of webhooks rely on it")
    if now["version"] < before["version"]:
        found.append(f"version went down from {before['version']}")
    return found + breaking_changes(before["schema"], now["schema"])


def render() -> str:
    """The whole catalogue as Markdown."""
    return "\n".join(_lines()).rstrip() + "\n"


def _lines() -> Iterator[str]:
    yield _INTRODUCTION
    yield "## The envelope 信封\n"
    yield from _fields(Envelope.model_json_schema())
    owners = [*OWNERS, *sorted({event.owner for event in REGISTRY.values()} - set(OWNERS))]
    for owner in owners:
        events = sorted((event for event in REGISTRY.values() if event.owner == owner), key=lambda event: event.name)
        if events:
            yield f"\n## {OWNERS.get(owner, owner.capitalize())}\n"
        for event in events:
            yield from _event(event)


def _event(event: type[Event]) -> Iterator[str]:
    yield f"### `{event.name}`\n"
    mark = "public 公开" if event.public else "internal 内部"
    yield f"{_text(event.__doc__)} *Version {event.version}, {mark}.*\n"
    schema = event.model_json_schema()
    yield from _fields(schema)
    for name, definition in sorted(schema.get("$defs", {}).items()):
        yield f"`{name}`: {_text(definition.get('description', ''))}\n"
        yield from _fields(definition)


def _fields(schema: dict[str, Any]) -> Iterator[str]:
    required = set(schema.get("required", ()))
    yield "| field | value | |"
    yield "|---|---|---|"
    for name, field in schema.get("properties", {}).items():
        note = "" if name in required else "optional"
        described = " · ".join(part for part in (note, _text(field.get("description", ""))) if part)
        yield f"| `{name}` | {_kind(field)} | {described} |"
    yield ""


def _kind(field: dict[str, Any]) -> str:
    if "$ref" in field:
        return f"`{field['$ref'].rsplit('/', 1)[1]}`"
    if "anyOf" in field:
        return " or ".join(_kind(option) for option in field["anyOf"])
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if "const" in field:
        return f"`{field['const']}`"
    if field.get("type") == "array":
        return f"list of {_kind(field['items'])}" if field.get("items") else "list"
    return str(field.get("format") or field.get("type") or "anything")


def _text(docstring: str | None) -> str:
    return " ".join((docstring or "").split()).replace("|", "\\|")


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def wanted_files(root: Path = ROOT) -> dict[Path, str]:
    """Every file that the contracts determine, with the text that it should have."""
    files = {root / CATALOGUE: render()}
    for name, event in REGISTRY.items():
        text = json.dumps(snapshot(event), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
        files[root / SNAPSHOTS / f"{name}.json"] = text
    return files


def problems(root: Path = ROOT) -> list[str]:
    """Breaking changes against the snapshots, and events that disappeared; one sentence each."""
    found = []
    for path in sorted((root / SNAPSHOTS).glob("*.json")):
        before = json.loads(_read(path))
        event = REGISTRY.get(before["name"])
        changes = ["the event is gone"] if event is None else snapshot_changes(before, event)
        found += [f"{before['name']}: {change}" for change in changes]
    return found


def outdated(root: Path = ROOT) -> list[Path]:
    """Files that no longer say what the contracts say."""
    return [path for path, text in wanted_files(root).items() if _read(path) != text]


def main(arguments: list[str] | None = None) -> int:
    """Check the catalogue, or write it with `--write`; answers the exit code."""
    parser = argparse.ArgumentParser(prog="python -m shared.contracts.catalogue", description=__doc__)
    parser.add_argument("--write", action="store_true", help="bring docs/events.md and the snapshots up to date")
    options = parser.parse_args(arguments)
    if found := problems():
        sys.stderr.write("Breaking changes:\n" + "".join(f"  {one}\n" for one in found))
        return 1
    stale = outdated()
    if options.write:
        for path in stale:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted_files()[path], encoding="utf-8")
    elif stale:
        names = ", ".join(str(path.relative_to(ROOT)) for path in stale)
        sys.stderr.write(f"Out of date: {names}. Run: python -m shared.contracts.catalogue --write\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
