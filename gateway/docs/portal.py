"""The pages of the gateway itself, `/`, `/docs` and `/openapi.json`, in front of the administrative API."""

import gzip
from functools import cache
from pathlib import Path

from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.docs.documents import Documents
from shared.web import NotFound
from shared.web.asgi import Headers, header, respond

_STATIC = Path(__file__).parent / "static"
_TYPES = {
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "start.js": "text/javascript; charset=utf-8",
    "swagger-ui.css": "text/css; charset=utf-8",
    "landing.css": "text/css; charset=utf-8",
}
# The page can reach nothing but this gateway.
_POLICY = (
    (
        b"content-security-policy",
        b"default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)
_DOCS = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Quanyu 全域 API</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,"><link rel="stylesheet" href="/docs/static/swagger-ui.css">
</head><body><div id="docs"></div>
<script src="/docs/static/swagger-ui-bundle.js"></script><script src="/docs/static/start.js"></script>
</body></html>
"""
_LANDING = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Quanyu 全域</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,"><link rel="stylesheet" href="/docs/static/landing.css">
</head><body><h1>Quanyu 全域</h1>
<p>Coupons, segments, journeys and stock behind one door. 优惠券、人群、旅程、库存，一个入口。</p>
<ul>
<li><a href="/docs">API documentation · 接口文档</a> (<a href="/openapi.json">OpenAPI 3.1</a>)</li>
<li><a href="/readyz">Is everything ready? · 就绪状态</a></li>
<li><a href="/healthz">Is the door alive? · 存活状态</a></li>
</ul></body></html>
"""


class Portal:
    """Answers the pages and hands everything else to `api`."""

    def __init__(self, api: ASGIApp, documents: Documents) -> None:
        self._api = api
        self._documents = documents

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a page, or let `api` answer."""
        path: str = scope["path"]
        zipped = "gzip" in (header(scope, b"accept-encoding") or "")
        if path == "/openapi.json":
            await _give(
                send, await self._documents.merged(), "application/json", zipped, [(b"cache-control", b"no-cache")]
            )
        elif path in ("/", "/docs"):
            page = _DOCS if path == "/docs" else _LANDING
            await respond(send, 200, page.encode(), "text/html; charset=utf-8", _POLICY)
        elif path.startswith("/docs/static/"):
            await _static(send, path.rpartition("/")[2], zipped)
        else:
            await self._api(scope, receive, send)


async def _static(send: Send, name: str, zipped: bool) -> None:
    if name not in _TYPES:
        raise NotFound("not_found", "There is no such file. The documentation begins at /docs.")
    headers = [(b"cache-control", b"public, max-age=3600"), (b"vary", b"accept-encoding"), *_POLICY]
    if zipped:
        headers.append((b"content-encoding", b"gzip"))
    await respond(send, 200, _file(name, zipped), _TYPES[name], headers)


@cache
def _file(name: str, zipped: bool) -> bytes:
    data = (_STATIC / name).read_bytes()
    return gzip.compress(data, 6, mtime=0) if zipped else data


async def _give(send: Send, body: bytes, media_type: str, zipped: bool, headers: Headers) -> None:
    extra = [*headers, (b"vary", b"accept-encoding")]
    if zipped:
        body = gzip.compress(body, 1, mtime=0)
        extra.append((b"content-encoding", b"gzip"))
    await respond(send, 200, body, media_type, extra)
