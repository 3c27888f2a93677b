"""The hot path: every request passes here, in this order, with no framework around it.

is there room? → who calls, and is it their turn? → odd path? route known? → key in the URL? → how much? → may they? →
forwarded with a proven identity. A body that does not say how long it is is measured on its way. HEAD is GET whose body stays
here.
"""

from collections.abc import Mapping
from ipaddress import ip_network
from urllib.parse import quote

from starlette.types import Receive, Scope, Send

from gateway.addresses import address_allowed, address_of
from gateway.cookies import COOKIES
from gateway.forwarding.capacity import Bounded
from gateway.forwarding.port import Forwarded
from gateway.limits.rate_limits import RateLimits
from gateway.metrics import FORWARDED_UNTRUSTED
from gateway.priorities import priority_of
from gateway.proxy import credentials
from gateway.proxy.access_log import AccessLog
from gateway.proxy.admission import Admission
from gateway.proxy.cors import CrossOrigin, HeaderPairs
from gateway.proxy.exchange import Exchange, too_large
from gateway.proxy.headers import RequestHeaders, read_headers
from gateway.proxy.paths import OddPath, check_path
from gateway.proxy.unproven import UnprovenBodies
from gateway.proxy.witness import Witness
from gateway.route_table import RouteTable
from gateway.routes import PUBLIC, Route
from gateway.settings import GatewaySettings
from shared.deadline import within
from shared.ids import new_id
from shared.observability.logging import get_logger
from shared.web import BadRequest, NotFound, Problem, Unavailable
from shared.web.asgi import ClientGone
from shared.web.problems import to_problem, unexpected


class PublicApp:
    """The public ASGI application."""

    def __init__(
        self,
        settings: GatewaySettings,
        table: RouteTable,
        upstreams: Mapping[str, Bounded],
        admission: Admission,
        rates: RateLimits,
        witness: Witness,
    ) -> None:
        self._table = table
        self._seconds = settings.request_seconds
        self._upstreams = dict(upstreams)
        self._rates = rates
        production = settings.environment == "production"
        self._admission = admission
        self._witness = witness
        self._proxies = tuple(ip_network(one) for one in settings.trusted_proxies)
        self.access_log = AccessLog(settings)
        self._unproven = UnprovenBodies()
        self._cross_origin = CrossOrigin(settings.cors_origins, table)
        public = settings.metrics_public
        self._metrics_public = not production if public is None else public
        self._log = get_logger(part="gateway")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whatever it is; nothing is raised."""
        if scope["type"] == "lifespan":
            return await _lifespan(receive, send)
        if scope["type"] != "http":
            return await send({"type": "websocket.close", "code": 1008})
        exchange = Exchange(scope, send, new_id("req"))
        try:
            with within(self._seconds):
                await self._pass(exchange, receive)
            if exchange.overflow is not None and not exchange.status:
                await exchange.refuse(exchange.overflow)
        except ClientGone:
            exchange.note = "client gone"
            if exchange.overflow is not None and not exchange.status:
                await exchange.refuse(exchange.overflow)
        except Exception as error:
            await self._answer_failure(exchange, error)
        finally:
            exchange.finish(self.access_log)

    async def _answer_failure(self, exchange: Exchange, error: Exception) -> None:
        if exchange.overflow is not None and not exchange.status:
            return await exchange.refuse(exchange.overflow)
        problem = to_problem(error)
        if problem is None:
            self._log.exception("request failed", request_id=exchange.request_id, route=exchange.route)
            problem = unexpected()
        if exchange.status:
            exchange.note = "answer broken off"
            return  # the answer had begun: the server cuts the connection, which is the truth
        exchange.note = exchange.note or problem.code
        await exchange.refuse(problem)

    async def _pass(self, exchange: Exchange, receive: Receive) -> None:
        scope = exchange.scope
        try:
            given = read_headers(scope["headers"])
        except Problem:
            self._rates.count_anonymous(exchange.address)
            raise
        _keep_request_id(exchange, given.request_id)
        if given.forwarded:
            self._warn_of_proxy(exchange.address)
        exchange.address = address_of(exchange.address, given.forwarded_for, self._proxies)
        raw_path: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
        scope["raw_path"] = raw_path
        found = self._find(exchange, raw_path, given)
        if isinstance(found, Route) and (upstream := self._upstreams.get(found.service)) is not None:
            upstream.must_have_room(priority_of(found))  # first of all: a refusal has to be cheap when there are many
        await self._admission.take_turn(exchange, found if isinstance(found, Route) else None, given)
        if isinstance(found, Problem):
            raise found
        if not isinstance(found, Route):
            return await exchange.answer_preflight(found)
        if exchange.caller is None and (found.tracking or found.webhook_in or given.signed is not None):
            with self._unproven.counted(exchange, receive) as receive:
                return await self._forward(exchange, found, raw_path, given, receive)
        await self._forward(exchange, found, raw_path, given, receive)

    async def _forward(
        self, exchange: Exchange, route: Route, raw_path: bytes, given: RequestHeaders, receive: Receive
    ) -> None:
        scope = exchange.scope
        query: bytes = scope["query_string"]
        if query and credentials.in_query(query):
            raise BadRequest("key_in_query", "Never put a key into a URL: it lands in logs. Send it as Authorization.")
        if given.length is not None and given.length > route.body_limit:
            raise too_large(route.body_limit)
        if given.length is None:
            receive = exchange.limited(receive, route.body_limit)
        if route.scope != PUBLIC:
            receive = await self._admission.admit(exchange, route, given, receive)
        if given.cookies and route.service == "gateway":
            scope[COOKIES] = given.cookies  # for signing in and out; no header that goes on has them
        upstream = self._upstreams.get(route.service)
        if upstream is None:
            raise Unavailable("upstream_unavailable", f"The {route.service} service is not part of this installation.")
        has_body = given.chunked or bool(given.length)
        request = Forwarded(
            route.method,
            raw_path,
            query,
            self._headers(exchange, given),
            exchange.caller,
            exchange.request_id,
            route.template,
            has_body,
            scope,
            priority_of(route),
        )
        if self._witness.concerns(route, exchange.caller):
            return await self._witness.forward(upstream, request, receive, exchange)
        await upstream.forward(request, receive, exchange.send)

    def _find(self, exchange: Exchange, raw_path: bytes, given: RequestHeaders) -> Route | HeaderPairs | Problem:
        """The route, what a preflight is told, or the refusal of a path or method that is not known."""
        method: str = exchange.scope["method"]
        try:
            path = check_path(raw_path)
        except OddPath as odd:
            return BadRequest("odd_path", f"{odd.args[0]} Write the path in its plain form.")
        found = self._table.match(method, path)
        if isinstance(found, Route):
            if found.template != "/metrics" or self._metrics_public:
                exchange.route = found
                exchange.extra += self._cross_origin.answered(found, given.origin)
                return found
            found = frozenset()
        if method == "OPTIONS" and given.preflight is not None and given.origin is not None:
            told = self._cross_origin.preflight(path, given.origin)
            if told is not None:
                exchange.route = self._table.at(path)[0]
                return told
        if not found:
            return NotFound("not_found", "There is nothing at this path. The paths are listed at /docs.")
        allow = ", ".join(sorted(found))
        detail = f"This path knows {allow}, not {method}."
        return Problem("method_not_allowed", detail, status=405, headers={"Allow": allow})

    def _warn_of_proxy(self, peer: str) -> None:
        """Behind a proxy that is not trusted, every caller has the proxy's address, and its limits."""
        if address_allowed(peer, self._proxies):
            return
        FORWARDED_UNTRUSTED.inc()
        if self._rates.may_warn(peer):
            self._log.warning(
                "a forwarded address came from no trusted proxy and is not believed; if this is your proxy, "
                "name it in QUANYU_TRUSTED_PROXIES",
                peer=peer,
            )

    def _headers(self, exchange: Exchange, given: RequestHeaders) -> list[tuple[bytes, bytes]]:
        headers = given.kept
        headers.append((b"x-request-id", exchange.request_id.encode()))
        headers.append((b"x-forwarded-for", exchange.address.encode("latin-1", "replace")))
        return headers


def _keep_request_id(exchange: Exchange, given: bytes | None) -> None:
    """A plain request id of the caller's own is kept, so that their logs and ours can be joined."""
    if given is not None and 8 <= len(given) <= 100 and given.replace(b"-", b"").replace(b"_", b"").isalnum():
        exchange.request_id = given.decode("ascii")


async def _lifespan(receive: Receive, send: Send) -> None:
    """The service's own `running()` holds everything; a server that asks is told that all is well."""
    while True:
        message = await receive()
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return
