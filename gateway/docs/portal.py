"""The pages of the gateway itself, such as `/`, `/docs` and `/openapi.json`, in front of the administrative API."""

import asyncio
import json
from collections.abc import Callable, Set
from functools import cache
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.docs import guides, html
from gateway.docs.asyncapi import asyncapi
from gateway.docs.documents import MADE, Documents
from gateway.docs.languages import Language, chosen
from gateway.docs.page import Page
from shared.web import NotFound
from shared.web.asgi import header

_TYPES = {
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "start.js": "text/javascript; charset=utf-8",
    "origin.js": "text/javascript; charset=utf-8",
    "swagger-ui.css": "text/css; charset=utf-8",
    "pages.css": "text/css; charset=utf-8",
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
_ALIVE = Page(b'{"status":"ok"}', "application/json", packs=False)
_WRITTEN = {"/": html.landing, "/docs": html.reference, "/docs/guides": html.guide_list}
_STATIC = "/docs/static/"


class Portal:
    """Answers the pages and hands everything else to `api`."""

    def __init__(self, api: ASGIApp, documents: Documents) -> None:
        self._api = api
        self._documents = documents
        self._pages: dict[tuple[Any, ...], Page] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a page, or let `api` answer."""
        page = await self._page(scope)
        if page is None:
            await self._api(scope, receive, send)
        else:
            await page.give(scope, send)

    async def _page(self, scope: Scope) -> Page | None:
        path: str = scope["path"]
        if path in MADE:
            return await self._documents.page(path)
        if path in _WRITTEN:
            language = chosen(scope["query_string"], header(scope, b"accept-language"))
            return await self._kept((path, language), _written)
        if path.startswith(guides.PREFIX):
            return await self._kept((_known(path.removeprefix(guides.PREFIX), guides.names()),), _guide)
        if path.startswith(_STATIC):
            return _file(_known(path.removeprefix(_STATIC), _TYPES.keys()))
        return {"/healthz": _ALIVE, "/livez": _ALIVE, "/asyncapi.json": _events()}.get(path)

    async def _kept(self, key: tuple[Any, ...], make: Callable[..., Page]) -> Page:
        """What was made before; else it is made in a thread, as rendering guides takes a while."""
        if key not in self._pages:
            self._pages[key] = await asyncio.to_thread(make, *key)
        return self._pages[key]


def _known(name: str, names: Set[str]) -> str:
    if name not in names:
        raise NotFound(
            "not_found", "There is no such page. The documentation begins at /docs, the guides at /docs/guides."
        )
    return name


def _written(path: str, language: Language) -> Page:
    body = _WRITTEN[path](language).encode()
    return Page(body, "text/html; charset=utf-8", _POLICY, varies=b"accept-encoding, accept-language")


def _guide(name: str) -> Page:
    return Page(html.guide(name).encode(), "text/html; charset=utf-8", _POLICY)


@cache
def _events() -> Page:
    return Page(json.dumps(asyncapi(), ensure_ascii=False).encode(), "application/json")


@cache
def _file(name: str) -> Page:
    headers = ((b"cache-control", b"public, max-age=3600"), *_POLICY)
    return Page((html.FOLDER / name).read_bytes(), _TYPES[name], headers)
