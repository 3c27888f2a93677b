"""What the scopes and limits of a key may name, and how many keys a partner may make."""

import difflib
from collections.abc import Iterable, Sequence
from math import ceil

from gateway.keys.route_names import RouteNames
from gateway.keys.schemas import Limits
from gateway.limits.period_counts import PeriodCounts
from gateway.route_table import RouteTable
from gateway.routes import PUBLIC, Route
from shared.db import Transaction
from shared.web import Caller, FieldError, TooManyRequests, Unprocessable
from shared.web.identity import covers

_MOST_A_DAY = 1000


class ScopeNames:
    """The scopes of a route table. One that names none is a spelling mistake, not a right."""

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


class Known:
    """`check` before a key is stored; `must_have_room` in the transaction that stores it."""

    def __init__(self, table: RouteTable, counts: PeriodCounts) -> None:
        self._scopes = ScopeNames(table.routes)
        self._routes = RouteNames(table.routes)
        self._counts = counts

    def check(self, scopes: list[str], limits: Limits | None) -> None:
        """Raise Unprocessable for what names nothing."""
        self._scopes.check(scopes)
        if limits is not None:
            self._routes.check([one.route for one in limits.routes or ()])

    async def must_have_room(self, tx: Transaction, caller: Caller) -> None:
        """Keys stay listed and known for ever: a partner that makes them in a loop would fill every process's memory."""
        if caller.wall is None:
            return
        wait = await self._counts.add_today(tx, f"keys:{caller.wall}", _MOST_A_DAY)
        if wait is not None:
            detail = f"At most {_MOST_A_DAY} keys can be made or rotated in a day. Ask the merchant if you need more."
            raise TooManyRequests("too_many_keys", detail, headers={"Retry-After": str(ceil(wait))})
