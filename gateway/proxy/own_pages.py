"""Whether a browser's call comes from a page of our own (against CSRF 跨站请求伪造).

A cookie goes with whatever a browser sends here, on whichever page that began. So a session counts only for calls that the
browser says are from our own pages, and one that changes something must show what only our own pages can read.
"""

from collections.abc import Collection
from hmac import compare_digest

from gateway.proxy.headers import RequestHeaders
from shared.web import Forbidden

_SAFE = frozenset(("GET", "HEAD"))
_OURS = (None, b"same-origin", b"none")
"""`none` is the address bar. Old browsers, and what is no browser, say nothing."""


class OwnPages:
    """`origins` are those of our pages; none means the host that is called, as every proxy before us should pass it on."""

    def __init__(self, origins: Collection[str]) -> None:
        self._origins = frozenset(origin.encode() for origin in origins)

    def are_calling(self, given: RequestHeaders) -> bool:
        """True unless the browser says that it is on another site's page, or on that of a neighbour."""
        if given.origin is not None:
            return self._is_ours(given.origin.lower(), given.host.lower())
        return given.fetch_site in _OURS

    def must_be_calling(self, given: RequestHeaders) -> None:
        """Raises Forbidden."""
        if not self.are_calling(given):
            raise Forbidden(
                "foreign_page", "Sign in on the console's own page. Behind a proxy, see QUANYU_CONSOLE_ORIGINS."
            )

    def must_mean_it(self, method: str, csrf: str, given: RequestHeaders) -> None:
        """Raises Forbidden for a call that changes something and does not show the session's `csrf` token."""
        if method not in _SAFE and not compare_digest(given.csrf or b"", csrf.encode()):
            detail = "Send the header X-CSRF-Token with the token that /v1/me answers."
            raise Forbidden("csrf_token_missing", detail)

    def _is_ours(self, origin: bytes, host: bytes) -> bool:
        if self._origins:
            return origin in self._origins
        scheme, _, named = origin.partition(b"://")
        return scheme in (b"http", b"https") and named == host
