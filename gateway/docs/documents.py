"""Keeps what is made of the parts' documents: asked for, remembered for a while, the last good copy when a part is away."""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

from gateway.docs.languages import Language
from gateway.docs.merging import merge
from gateway.docs.page import Page
from gateway.docs.postman import collection
from gateway.forwarding.calls import call
from gateway.forwarding.port import Forwarder
from gateway.route_table import RouteTable
from shared.observability.logging import get_logger
from shared.web import Problem

_FRESH_SECONDS = 60.0
_MISSING_SECONDS = 1.0
Finish = Callable[[dict[str, Any]], dict[str, Any]]
MADE: dict[str, tuple[Language, Finish]] = {
    "/openapi.json": ("en", lambda document: document),
    "/openapi.zh-CN.json": ("zh", lambda document: document),
    "/postman.json": ("en", collection),
    "/postman.zh-CN.json": ("zh", collection),
}
"""What is made, by its path: in which language, and what of the OpenAPI document."""
_PATIENCE_SECONDS = 10.0  # a part makes its document when it is first asked for it


class Documents:
    """`page("/openapi.json")` answers what is made of the documents of all parts: see `MADE`."""

    def __init__(self, upstreams: Mapping[str, Forwarder], table: RouteTable) -> None:
        self._upstreams = upstreams
        self._table = table
        self._good: dict[str, bytes] = {}
        self._made_of: dict[str, bytes] = {}
        self._pages: dict[str, Page] = {}
        self._until = 0.0
        self._gathering = asyncio.Lock()
        self._log = get_logger(part="docs")

    async def page(self, path: str) -> Page:
        """One of them; asks the parts again once a minute, and every second while one is missing.

        It is made again only when a part's own document has changed, and in a thread: that costs as much as a thousand calls.
        """
        async with self._gathering:
            loop = asyncio.get_running_loop()
            if loop.time() >= self._until:
                answers = await asyncio.gather(*(self._read(name) for name in self._upstreams))
                if self._good != self._made_of:
                    self._pages, self._made_of = {}, dict(self._good)
                self._until = loop.time() + (_FRESH_SECONDS if all(answers) else _MISSING_SECONDS)
            if path not in self._pages:
                self._pages[path] = await asyncio.to_thread(self._make, path, self._made_of)
            return self._pages[path]

    def _make(self, path: str, parts: Mapping[str, bytes]) -> Page:
        documents = {name: json.loads(body) for name, body in parts.items()}
        missing = [name for name in self._upstreams if name not in documents]
        language, finish = MADE[path]
        document = finish(merge(documents, self._table.routes, missing, language))
        body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
        return Page(body, "application/json", ((b"cache-control", b"no-cache"),))

    async def _read(self, name: str) -> bool:
        """Ask a part for its document. False when it has none to give; then the last good one is kept."""
        try:
            status, body = await call(self._upstreams[name], "/openapi.json", _PATIENCE_SECONDS)
            if status != 200:
                return False
            if self._good.get(name) != body:
                json.loads(body)["paths"]  # raises for what is no such document
            self._good[name] = body
        except (Problem, TimeoutError, ValueError, TypeError, LookupError) as error:
            self._log.warning("no OpenAPI document", service=name, error=type(error).__name__)
            return False
        return True
