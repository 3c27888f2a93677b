"""HEAD is GET without its body, on every route: through the gateway, and of a service that is asked itself."""

import re
from pathlib import Path
from typing import Any

import httpx
from kit.services import INTERNAL_SECRET, SignedBy

from gateway.routes import ROUTES
from shared.clock import SystemClock
from shared.web.identity import Caller
from suite.parts import SERVICES
from suite.settings import SuiteSettings
from suite.wiring import embedded


def readable(service: str | None = None) -> list[str]:
    """The path of every GET, of things that are not there."""
    routes = [one for one in ROUTES if one.method == "GET" and service in (None, one.service)]
    return [re.sub(r"\{\w+\}", "none", one.template) for one in routes]


async def compare(client: httpx.AsyncClient, path: str) -> int:
    """Both ways; answers the status."""
    whole, head = await client.get(path), await client.head(path)
    assert (head.status_code, head.content) == (whole.status_code, b""), path
    assert head.headers.get("content-type") == whole.headers.get("content-type"), path
    if path != "/metrics":  # counts what is asked
        assert head.headers.get("content-length") == whole.headers.get("content-length"), path
    return head.status_code


async def test_head_is_get_without_its_body(tmp_path: Path) -> None:
    flags: dict[str, Any] = {"data_dir": tmp_path, "internal_secret": INTERNAL_SECRET}
    seen = set()
    async with embedded(SuiteSettings(**flags), flags) as running:
        key = {"authorization": f"Bearer {(tmp_path / 'admin.key').read_text().strip()}"}
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(running.app), base_url="http://x", headers=key
        ) as client:
            for path in readable():
                seen.add(await compare(client, path))
        signed = SignedBy(Caller("key_test", "own_test", "secret", ("*",), None, None), SystemClock())
        parts = {part.name: part for part in running.parts}
        for name in SERVICES:
            transport = httpx.ASGITransport(parts[name].app)
            async with httpx.AsyncClient(transport=transport, base_url="http://x", auth=signed) as client:
                for path in ("/healthz", "/openapi.json", "/metrics", "/v1/none", *readable(name)):
                    seen.add(await compare(client, path))
                refused = await client.post("/healthz")
                assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD")
                described = parts[name].app.openapi()["paths"]
                assert not [path for path, methods in described.items() if "head" in methods]
    assert {200, 404, 422} <= seen
