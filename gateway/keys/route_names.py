"""Which operations a limit of a key is about: one by its method and path, all of a path, or all that need a scope. Pure."""

import difflib
from collections.abc import Iterable, Sequence

from gateway.routes import PUBLIC, Route
from shared.web import FieldError, Unprocessable
from shared.web.identity import covers


def names(text: str, route: Route) -> bool:
    """Whether `text` names the route: `POST /v1/quotes`, `/v1/quotes`, or the scope `coupon:quotes:write`, `coupon:*:write`."""
    if "/" not in text:
        return route.scope != PUBLIC and covers(text, route.scope)
    return text in (route.template, f"{route.method} {route.template}")


class RouteNames:
    """The operations of a route table."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes = [route for route in routes if route.scope != PUBLIC]
        self._known = sorted({f"{route.method} {route.template}" for route in self._routes})

    def check(self, texts: Sequence[str]) -> None:
        """Raise Unprocessable, with a name near it, for each that names no operation, and for what is named twice."""
        wrong = [
            FieldError(pointer=f"#/limits/routes/{place}/route", code=code, detail=detail)
            for place, text in enumerate(texts)
            for code, detail in self._faults(text, texts[:place])
        ]
        if wrong:
            raise Unprocessable("validation_failed", f"{wrong[0].pointer}: {wrong[0].detail}", errors=wrong)

    def _faults(self, text: str, before: Sequence[str]) -> Iterable[tuple[str, str]]:
        if text in before:
            yield "named_twice", "One limit for each route: put both into one."
        elif not any(names(text, route) for route in self._routes):
            near = difflib.get_close_matches(text, self._known, 3)
            hint = f" Near it are {', '.join(near)}." if near else ""
            yield (
                "unknown_route",
                (
                    f"This names no operation.{hint} Write it as in /openapi.json: `POST /v1/quotes`, `/v1/quotes`, or a scope."
                ),
            )
