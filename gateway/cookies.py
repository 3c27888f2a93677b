"""The cookies of the console: a session, and that this browser is known. The door reads them, and no part ever sees one.

Over https they are `__Host-` cookies: for this host alone, sent by https alone, and no neighbour's page can plant one.
"""

from collections.abc import Sequence
from datetime import timedelta

from starlette.responses import Response
from starlette.types import Scope

COOKIES = "quanyu.cookies"
"""Where the door puts a request's Cookie headers for the gateway's own rooms, out of reach of any header."""
SESSION_COOKIE, BROWSER_COOKIE = "quanyu-session", "quanyu-browser"
_HOST = "__Host-"
_LONGEST = 400


def read_cookie(headers: Sequence[bytes], name: str, *, host_only: bool) -> str | None:
    """The cookie of this name, the `__Host-` one first. `host_only`: a plain one is not believed."""
    found: dict[str, str] = {}
    for line in headers:
        for pair in line.decode("latin-1").split(";"):
            key, _, value = pair.strip().partition("=")
            if len(value) <= _LONGEST:
                found.setdefault(key, value)
    return found.get(_HOST + name) or (None if host_only else found.get(name))


def given_cookie(scope: Scope, name: str, *, host_only: bool) -> str | None:
    """The same, of a request that came through the door."""
    return read_cookie(scope.get(COOKIES, ()), name, host_only=host_only)


def set_cookie(response: Response, name: str, value: str, life: timedelta, *, secure: bool) -> None:
    """Keep it in the browser, out of reach of scripts, and sent by our own pages only."""
    response.set_cookie(
        (_HOST if secure else "") + name,
        value,
        max_age=int(life.total_seconds()),
        path="/",
        secure=secure,
        httponly=True,
        samesite="strict",
    )


def drop_cookie(response: Response, name: str) -> None:
    """Forget it, under either name."""
    for secure in (True, False):
        set_cookie(response, name, "", timedelta(), secure=secure)
