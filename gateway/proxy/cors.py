"""Cross-origin requests 跨域: what pages of other origins may call from a browser, and read of the answer.

That is what a publishable key may call and nothing else, refusals included: a page must be able to read its 429. A key
stands in a header or a body, never in a cookie, so no answer allows credentials.
"""

from collections.abc import Collection

from gateway.keys.rules import PUBLISHABLE_SCOPES
from gateway.route_table import RouteTable
from gateway.routes import Route

HeaderPairs = list[tuple[bytes, bytes]]
_MAY_SEND = (
    b"authorization, content-encoding, content-type, idempotency-key, traceparent, x-api-key, x-device-id, "
    b"x-request-id, x-retry-count"
)
_MAY_READ = (
    b"access-control-expose-headers",
    b"deprecation, idempotent-replayed, link, ratelimit, ratelimit-policy, retry-after, sunset, "
    b"x-quanyu-key-expires, x-request-id",
)


def open_to_pages(route: Route) -> bool:
    """True for what a key that every visitor holds may call."""
    return route.scope in PUBLISHABLE_SCOPES


class CrossOrigin:
    """Tells browsers. `origins` are those that may, `*` is any."""

    def __init__(self, origins: Collection[str], table: RouteTable) -> None:
        self._origins = frozenset(origin.encode() for origin in origins)
        self._table = table

    def answered(self, route: Route, origin: bytes | None) -> HeaderPairs:
        """What every answer of this operation says."""
        if not open_to_pages(route):
            return []
        allowed = self._allowed(origin)
        return [*allowed, *self._varying(), _MAY_READ] if allowed else self._varying()

    def preflight(self, path: str, origin: bytes | None) -> HeaderPairs | None:
        """The answer to a browser that asks first, without any key; None where pages have no business."""
        methods = [route.method for route in self._table.at(path) if open_to_pages(route)]
        if not methods:
            return None
        allowed = self._allowed(origin)
        if not allowed:
            return self._varying()
        return [
            *allowed,
            *self._varying(),
            (b"access-control-allow-methods", ", ".join(sorted(methods)).encode()),
            (b"access-control-allow-headers", _MAY_SEND),
            (b"access-control-max-age", b"86400"),
        ]

    def _allowed(self, origin: bytes | None) -> HeaderPairs:
        if origin is None:
            return []
        if b"*" in self._origins:
            return [(b"access-control-allow-origin", b"*")]
        return [(b"access-control-allow-origin", origin)] if origin in self._origins else []

    def _varying(self) -> HeaderPairs:
        """For caches on the way: with chosen origins an answer is good for the one that asked."""
        return [] if b"*" in self._origins else [(b"vary", b"origin")]
