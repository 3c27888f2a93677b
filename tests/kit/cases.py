"""Plays cases that are written down as calls and the answers that are right: public bug reports of other shops.

A case names its calls (`as`), later ones refer to earlier answers (`${name.path}`), `expected` to all of them.
"""

import asyncio
import json
import re
import secrets
from pathlib import Path
from typing import Any

import httpx

Json = dict[str, Any]
_REFERENCE = re.compile(r"\$\{([^}]*)\}")
_SEGMENT = re.compile(r"([^\[\]]*)((?:\[[^\]]*\])*)")


def found_beside(start: Path, name: str) -> Path | None:
    """The file of cases in a folder `shared/cases` beside the repository or above; None where there is none."""
    places = (folder / "shared" / "cases" / name for folder in start.resolve().parents)
    return next((place for place in places if place.is_file()), None)


def records(file: Path) -> list[Json]:
    found: list[Json] = json.loads(file.read_text())["records"]
    return found


async def play(record: Json, http: httpx.AsyncClient) -> dict[str, Any]:
    """What the calls of the case answer, under the names of `expected`."""
    answers: Json = {"run": secrets.token_hex(4)}
    for number, step in enumerate(record["requests"]):
        if "sleep" in step:
            await asyncio.sleep(step["sleep"])
            continue
        name = step.get("as", f"s{number}")
        answers[name] = await _call(step, answers, http)
        for _ in range(300):
            if "until" not in step or _dig(step["until"][0], answers) == step["until"][1]:
                break
            await asyncio.sleep(0.02)
            answers[name] = await _call(step, answers, http)
    return {one: _value(one, answers) for one in record["expected"]}


async def _call(step: Json, answers: Json, http: httpx.AsyncClient) -> Json:
    body = _filled(step.get("body"), answers)
    headers = {"X-Client-Address": f"198.18.0.{secrets.randbelow(250) + 1}", **step.get("headers", {})}
    answer = await http.request(
        step.get("method", "GET"), _filled(step["path"], answers), json=body, headers=headers, timeout=60
    )
    found = answer.json() if answer.content else {}
    return {**(found if isinstance(found, dict) else {"value": found}), "!": answer.status_code}


def _value(name: str, answers: Json) -> Any:
    if "+" in name:
        return sum(_dig(part.strip(), answers) or 0 for part in name.split("+"))
    return _dig(name, answers)


def _filled(value: Any, answers: Json) -> Any:
    if isinstance(value, dict):
        return {_filled(name, answers): _filled(one, answers) for name, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, answers) for one in value]
    if not isinstance(value, str):
        return value
    whole = _REFERENCE.fullmatch(value)
    if whole:
        return _dig(whole[1], answers)
    return _REFERENCE.sub(lambda found: str(_dig(found[1], answers)), value)


def _dig(path: str, answers: Json) -> Any:
    """`name!status`, `name.a.b[index or an id].c`, `name.list.#len`."""
    if "!" in path:
        return answers[path.split("!")[0]]["!"]
    name, _, rest = path.partition(".")
    found = answers[name]
    for segment in rest.split(".") if rest else ():
        found = len(found) if segment == "#len" else _step(found, segment)
        if found is None:
            return None
    return found


def _step(found: Any, segment: str) -> Any:
    parts = _SEGMENT.fullmatch(segment)
    assert parts is not None, segment
    if parts[1]:
        found = found.get(parts[1]) if isinstance(found, dict) else None
    for key in re.findall(r"\[([^\]]*)\]", parts[2]):
        if found is None:
            return None
        if re.fullmatch(r"-?\d+", key):
            found = found[int(key)] if -len(found) <= int(key) < len(found) else None
        elif key != "*":
            ids = ("line_id", "ref", "coupon_id", "kind")
            found = next((one for one in found if key in [one.get(name) for name in ids]), None)
    return found
