"""The pages of the gateway itself, such as `/`, `/docs` and `/openapi.json`, in front of the administrative API."""

from functools import cache
from pathlib import Path

from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.docs.documents import MADE, Documents
from gateway.docs.page import Page
from shared.web import NotFound

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
<li><a href="/livez">Is the door alive? · 存活状态</a></li>
</ul></body></html>
"""


_PAGES = {
    "/": Page(_LANDING.encode(), "text/html; charset=utf-8", _POLICY, packs=False),
    "/docs": Page(_DOCS.encode(), "text/html; charset=utf-8", _POLICY, packs=False),
    "/healthz": Page(b'{"status":"ok"}', "application/json", packs=False),
    "/livez": Page(b'{"status":"ok"}', "application/json", packs=False),
}


class Portal:
    """Answers the pages and hands everything else to `api`."""

    def __init__(self, api: ASGIApp, documents: Documents) -> None:
        self._api = api
        self._documents = documents

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a page, or let `api` answer."""
        path: str = scope["path"]
        if path in MADE:
            await (await self._documents.page(path)).give(scope, send)
        elif path in _PAGES:
            await _PAGES[path].give(scope, send)
        elif path.startswith("/docs/static/"):
            await _static(path.rpartition("/")[2]).give(scope, send)
        else:
            await self._api(scope, receive, send)


def _static(name: str) -> Page:
    if name not in _TYPES:
        raise NotFound("not_found", "There is no such file. The documentation begins at /docs.")
    return _file(name)


@cache
def _file(name: str) -> Page:
    return Page((_STATIC / name).read_bytes(), _TYPES[name], ((b"cache-control", b"public, max-age=3600"), *_POLICY))
