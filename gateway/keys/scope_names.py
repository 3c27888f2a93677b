"""Which scopes there are: those that an operation asks for. Pure. One that names none is a spelling mistake, not a right."""

import difflib
from collections.abc import Iterable, Sequence

from gateway.routes import PUBLIC, Route
from shared.web import FieldError, Unprocessable
from shared.web.identity import covers


class ScopeNames:
    """The scopes of a route table."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._known = sorted({route.scope for route in routes} - {PUBLIC})

    def check(self, scopes: Sequence[str]) -> None:
        """Raise Unprocessable, with a name near it, for each scope that covers nothing that an operation asks for."""
        wrong = [
            FieldError(pointer=f"#/scopes/{place}", code="unknown_scope", detail=self._told(scope))
            for place, scope in enumerate(scopes)
            if not any(covers(scope, one) for one in self._known)
        ]
        if wrong:
            raise Unprocessable("validation_failed", f"{wrong[0].pointer}: {wrong[0].detail}", errors=wrong)

    def _told(self, scope: str) -> str:
        near = difflib.get_close_matches(scope, self._known, 3)
        hint = f" Near it are {', '.join(near)}." if near else ""
        return f"No operation asks for this scope.{hint} `x-required-scope` in /openapi.json tells them."
