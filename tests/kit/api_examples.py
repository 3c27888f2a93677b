"""Makes the calls of `api_examples.txt` on a running suite, and answers what the documentation shows of them."""

import asyncio
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pyotp
from kit.platforms import echo_query

from gateway.routes import ROUTES
from shared.ids import new_id
from shared.webhooks import signed_headers

CALLS = Path(__file__).with_name("api_examples.txt")
_SECRETS = re.compile(r"(qy_live_[a-z]+_|whsec_|qysec_|eyJ[\w-]{5})[\w+/=.-]{12,}")
_LONG_TEXT = 300
_LONG_LIST = 10
_PATIENCE = 300


@dataclass
class Recording:
    """What the calls brought. `shown` is by operation, `POST /v1/quotes`; `refused` by status; `wrong` went otherwise."""

    client: httpx.AsyncClient
    kept: dict[str, str] = field(default_factory=dict)
    shown: dict[str, dict[str, Any]] = field(default_factory=dict)
    refused: dict[str, Any] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    _cookies: dict[str, str] = field(default_factory=dict)

    @property
    def examples(self) -> dict[str, Any]:
        """All of it, as the gateway keeps it; secrets are not in it."""
        text = json.dumps({"operations": self.shown, "refusals": self.refused}, ensure_ascii=False)
        found: dict[str, Any] = json.loads(_SECRETS.sub(r"\1EXAMPLE", text))
        return found

    async def play(self) -> None:
        """All lines, then every list and object that has none."""
        now = datetime.now(UTC).replace(microsecond=0)
        moments = {"past": now - timedelta(days=1), "now": now, "future": now + timedelta(days=3650)}
        self.kept |= {"nobody": "", "large": json.dumps("x" * (2 << 20))}
        self.kept["many"] = json.dumps([f"many-{number}" for number in range(50_000)])
        self.kept |= {name: moment.isoformat() for name, moment in moments.items()}
        for line in CALLS.read_text().splitlines():
            if line and not line.startswith("#"):
                await self._line(line)
        for route in ROUTES:
            name = f"{route.method} {route.template}"
            if route.method == "GET" and route.template.startswith("/v1/") and name not in self.shown:
                await self._call("GET", re.sub(r"{(\w+)}", r"$\1", route.template), "", {})

    async def _line(self, line: str) -> None:
        call, _, keeping = line.partition(" => ")
        how: dict[str, str] = {}
        while (word := call.partition(" ")[0]) in ("UNTIL", "BROWSER", "BY", "SIGNED", "ECHOED", "REFUSED"):
            call = call.partition(" ")[2]
            if word not in ("UNTIL", "BROWSER"):
                how[word], _, call = call.partition(" ")
            else:
                how[word] = ""
        if "UNTIL" in how:
            call, pointer, value = call.rsplit(" ", 2)
            return await self._until(call, pointer, value)
        method, path, *body = call.split(" ", 2)
        answer = await self._call(method, path, body[0] if body else "", how)
        for one in keeping.split():
            name, _, pointer = one.partition("=")
            self.kept[name] = str(_at(answer, pointer))

    async def _until(self, call: str, pointer: str, value: str) -> None:
        method, path = call.split(" ")
        for _ in range(_PATIENCE):
            answer = await self.client.request(method, self._filled(path))
            if answer.is_success and str(_at(answer.json(), pointer)) == value:
                return
            await asyncio.sleep(0.1)
        self.wrong.append(f"{call} never said {value} at {pointer}: {answer.text}")

    async def _call(self, method: str, path: str, body: str, how: Mapping[str, str]) -> Any:
        filled, sent = self._filled(path), self._filled(body).encode()
        request = self.client.build_request(method, filled, content=sent)
        if sent:
            request.headers["content-type"] = "application/json"
        if "BY" in how:
            del request.headers["authorization"]
            if key := self._filled(how["BY"]):
                request.headers["authorization"] = f"Bearer {key}"
        if "SIGNED" in how:
            secrets = [self._filled(how["SIGNED"])]
            request.headers.update(signed_headers(secrets, new_id("msg"), datetime.now(UTC), sent))
        if "ECHOED" in how:
            request.url = request.url.copy_merge_params(echo_query(self._filled(how["ECHOED"])))
        if "BROWSER" in how:
            del request.headers["authorization"]
            request.headers["x-csrf-token"] = self.kept.get("csrf_token", "")
            request.headers["cookie"] = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        answer = await self.client.send(request)
        self.client.cookies.clear()
        self._cookies.update(answer.cookies)
        media_type = answer.headers.get("content-type", "").partition(";")[0]
        document = answer.json() if media_type.endswith("json") and answer.content else answer.text
        if isinstance(document, dict) and "csrf_token" in document:
            self.kept["csrf_token"] = document["csrf_token"]
        if "REFUSED" in how:
            self.refused[how["REFUSED"]] = document
            if how["REFUSED"] not in (str(answer.status_code), f"{answer.status_code // 100}XX"):
                self.wrong.append(f"{method} {filled} should have been {how['REFUSED']}: {answer.text}")
        elif not answer.is_success:
            self.wrong.append(f"{method} {filled} {sent.decode()[:500]}: {answer.status_code} {answer.text}")
        else:
            operation, parameters = _operation(method, filled.partition("?")[0])
            shown = {
                "parameters": parameters | dict(answer.url.params),
                "status": answer.status_code,
                "media_type": media_type,
                **({"body": json.loads(sent)} if sent else {}),
                **({"answer": _short(document)} if document != "" else {}),
            }
            self.shown.setdefault(operation, shown)
        return document

    def _filled(self, text: str) -> str:
        if "$totp" in text:
            self.kept["totp"] = pyotp.TOTP(self.kept["totp_secret"]).now()
        return re.sub(r"\$(\w+)", lambda found: self.kept.get(found[1], found[0]), text)


def _operation(method: str, path: str) -> tuple[str, dict[str, str]]:
    """The operation that a path is of, and its parameters; a template without any goes before one with."""
    for route in sorted(ROUTES, key=lambda route: route.template.count("{")):
        found = re.fullmatch(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", route.template), path)
        if route.method == method and found:
            return f"{method} {route.template}", found.groupdict()
    raise LookupError(f"{method} {path}")


def _at(document: Any, pointer: str) -> Any:
    for step in pointer.strip("/").split("/"):
        if isinstance(document, list):
            document = document[int(step)] if len(document) > int(step) else None
        else:
            document = document.get(step) if isinstance(document, dict) else None
    return document


def _short(document: Any) -> Any:
    """A page with its first row, a long list within with its first two, and the beginning of a long text."""
    if isinstance(document, str):
        return document if len(document) <= _LONG_TEXT else f"{document[:_LONG_TEXT]}…"
    if isinstance(document, list):
        return [_short(one) for one in (document[:2] if len(document) > _LONG_LIST else document)]
    if not isinstance(document, dict):
        return document
    if "has_more" in document:
        document = {**document, "data": document["data"][:1], "has_more": False, "next_cursor": None}
    return {name: _short(one) for name, one in document.items()}


def shape(value: Any) -> Any:
    """What kinds of values stand where: two answers to one call have the same."""
    if isinstance(value, dict):
        return {name: shape(one) for name, one in value.items()}
    if isinstance(value, list):
        return [shape(one) for one in value[:1]]
    return type(value).__name__


def differences(one: Any, two: Any, place: str = "") -> Iterator[str]:
    """Where two shapes differ; what may be missing or null is no difference, a name that only one has is."""
    if isinstance(one, dict) and isinstance(two, dict):
        for name in sorted(one.keys() ^ two.keys()):
            yield f"{place}/{name}"
        for name in one.keys() & two.keys():
            yield from differences(one[name], two[name], f"{place}/{name}")
    elif isinstance(one, list) and isinstance(two, list):
        for first, second in zip(one, two, strict=False):
            yield from differences(first, second, f"{place}/0")
    elif one != two and "NoneType" not in (one, two) and {one, two} != {"int", "float"}:
        yield place
