"""Keeps the merged OpenAPI document: asked from the parts, remembered for a while, the last good copy when a part is away."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from gateway.docs.merging import merge
from gateway.forwarding.calls import call
from gateway.forwarding.port import Forwarder
from gateway.route_table import RouteTable
from shared.observability.logging import get_logger
from shared.web import Problem

_FRESH_SECONDS = 60.0


class Documents:
    """`merged()` answers the bytes of the one document."""

    def __init__(self, upstreams: Mapping[str, Forwarder], table: RouteTable) -> None:
        self._upstreams = upstreams
        self._table = table
        self._good: dict[str, Mapping[str, Any]] = {}
        self._bytes: bytes | None = None
        self._until = 0.0
        self._gathering = asyncio.Lock()
        self._log = get_logger(part="docs")

    async def merged(self) -> bytes:
        """The document; asks the parts again once a minute, and at every call while one is missing."""
        async with self._gathering:
            now = asyncio.get_running_loop().time()
            if self._bytes is None or now >= self._until:
                answers = await asyncio.gather(*(self._read(name) for name in self._upstreams))
                missing = [name for name in self._upstreams if name not in self._good]
                document = merge(self._good, self._table.routes, missing)
                self._bytes = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
                self._until = now + (_FRESH_SECONDS if all(answers) else 0)
            return self._bytes

    async def _read(self, name: str) -> bool:
        try:
            status, body = await call(self._upstreams[name], "/openapi.json")
            document = json.loads(body) if status == 200 else None
        except (Problem, TimeoutError, ValueError) as error:
            self._log.warning("no OpenAPI document", service=name, error=type(error).__name__)
            return False
        if not isinstance(document, dict):
            return False
        self._good[name] = document
        return True
