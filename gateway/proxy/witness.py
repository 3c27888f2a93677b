"""Sees administrative calls through: who asked what of which object, what came of it, and what the object was before and after.

The object is read by the part's own GET, just before and just after: whatever part it is, it tells what operators know, and
never a secret. Two who change one object in the same moment may each see the other's change in theirs.
"""

import json
from typing import Any, NamedTuple

from starlette.types import Message, Receive

from gateway.audit_log.log import AuditLog
from gateway.audit_log.rules import administrative, by_operators, difference
from gateway.forwarding.calls import call
from gateway.forwarding.port import Forwarded, Forwarder
from gateway.proxy.exchange import Exchange
from gateway.route_table import RouteTable
from gateway.routes import Route
from shared.observability.logging import get_logger
from shared.web import MERCHANT, Caller, Problem
from shared.web.asgi import ClientGone

_SECONDS = 3.0
_MOST_BYTES = 256 * 1024


class _Object(NamedTuple):
    """What a call is about: its path (as sent), its id, and the operation that shows it, if there is one."""

    path: str
    id: str
    shown_by: Route | None


class Witness:
    """`concerns` first; then `forward` in place of the part's own."""

    def __init__(self, log: AuditLog, table: RouteTable) -> None:
        self._log = log
        self._table = table
        self._notes = get_logger(part="audit log")
        # By identity: to hash a route's fields would cost each call a microsecond.
        self._administrative = frozenset(id(route) for route in table.routes if administrative(route))
        self._by_operators = frozenset(id(route) for route in table.routes if by_operators(route))

    def concerns(self, route: Route, caller: Caller | None) -> bool:
        """True when this call is written down."""
        if caller is None or caller.customer_id is not None:
            return False
        return id(route) in (self._by_operators if caller.kind == "staff" else self._administrative)

    async def forward(self, upstream: Forwarder, request: Forwarded, receive: Receive, exchange: Exchange) -> None:
        """Hand the request on. Raises what the part's own forwarding raises, and nothing of its own once it began."""
        assert request.caller is not None  # noqa: S101 - see `concerns`
        action = f"{request.method} {request.template}"
        about = self._object(request)
        entry_id = await self._log.begin(request.caller, action, about.id, exchange.address, exchange.request_id)
        before = await self._look(upstream, about)
        answer = _Answer(exchange)
        try:
            await upstream.forward(request, receive, answer.send)
        except Problem as problem:
            answer.status = problem.status
            raise
        except Exception as error:
            answer.status = answer.status or (None if isinstance(error, ClientGone) else 500)
            raise
        finally:
            await self._finish(upstream, entry_id, about, before, answer)

    async def _finish(
        self, upstream: Forwarder, entry_id: str, about: _Object, before: dict[str, Any] | None, answer: "_Answer"
    ) -> None:
        values: dict[str, Any] = {}
        if answer.status is not None and answer.status < 400:
            made = answer.made_id()
            if made is not None and before is None:
                about = self._made(about, made)
                values["object_id"] = about.id[:200]
            after = await self._look(upstream, about)
            values["before"], values["after"] = difference(before, after)
            if made is not None and made != about.id:
                values["detail"] = {"made": made}
        try:
            await self._log.finish(entry_id, answer.status, values)
        except Exception as error:
            # The answer is on its way already: the entry stays open, and is told as one of unknown outcome.
            self._notes.warning("an entry of the audit log stays open", entry_id=entry_id, error=type(error).__name__)

    def _object(self, request: Forwarded) -> _Object:
        """The longest beginning of the path that names an object."""
        names, parts = request.template.split("/"), request.raw_path.decode("ascii").split("/")
        last = max((place for place, name in enumerate(names) if name.startswith("{")), default=0)
        if not last:
            path = request.raw_path.decode("ascii")
            return _Object(path, "", None if request.method == "POST" else self._shown_by(path))
        path = "/".join(parts[: last + 1])
        return _Object(path, parts[last], self._shown_by(path))

    def _made(self, about: _Object, made: str) -> _Object:
        path = f"{about.path}/{made}"
        shown_by = self._shown_by(path) if not about.id else None
        return _Object(path, about.id or made, shown_by)

    def _shown_by(self, path: str) -> Route | None:
        found = self._table.match("GET", path)
        return found if isinstance(found, Route) else None

    async def _look(self, upstream: Forwarder, about: _Object) -> dict[str, Any] | None:
        """The object as its part shows it now; None where it is not there, or does not come in time."""
        if about.shown_by is None:
            return None
        caller = Caller("gateway", MERCHANT, "secret", (about.shown_by.scope,))
        try:
            status, body = await call(upstream, about.path, _SECONDS, caller)
            told = json.loads(body) if status == 200 and len(body) <= _MOST_BYTES else None
        except (Problem, TimeoutError, ValueError):
            return None
        return told if isinstance(told, dict) else None


class _Answer:
    """Passes an answer on; keeps its status and, where it is short, what it says."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self.status: int | None = None
        self._body = bytearray()

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        elif len(self._body) <= _MOST_BYTES:
            self._body += message.get("body", b"")
        await self._exchange.send(message)

    def made_id(self) -> str | None:
        """The id of what was made, as the answer tells it. Nothing else of an answer is looked at: it may hold secrets."""
        try:
            told = json.loads(self._body) if len(self._body) <= _MOST_BYTES else None
        except ValueError:
            return None
        made = told.get("id") if isinstance(told, dict) else None
        return made if isinstance(made, str) and made.isascii() and made.replace("_", "").isalnum() else None
