"""The hot path: every request passes here, in this order, with no framework around it.

odd paths refused → route known? → key in the URL? → how much? → who calls? → may they? → how often? → forwarded with a proven
identity. A body that does not say how long it is is measured on its way.
"""

from collections.abc import Mapping
from ipaddress import ip_network
from urllib.parse import quote

from starlette.types import Receive, Scope, Send

from gateway.addresses import address_of
from gateway.forwarding.port import Forwarded, Forwarder
from gateway.keys.cache import CachedKey, KeyCache
from gateway.limits.rate_limits import RateLimits
from gateway.proxy import credentials
from gateway.proxy.access_log import AccessLog
from gateway.proxy.cors import CrossOrigin, HeaderPairs
from gateway.proxy.exchange import Exchange, too_large
from gateway.proxy.headers import RequestHeaders, read_headers
from gateway.proxy.paths import OddPath, check_path
from gateway.route_table import RouteTable
from gateway.routes import PUBLIC, Route
from gateway.settings import GatewaySettings
from shared.ids import new_id
from shared.observability.logging import get_logger
from shared.web import BadRequest, Forbidden, NotFound, Problem, Unauthorized, Unavailable
from shared.web.asgi import ClientGone, read_body, replayed
from shared.web.problems import to_problem, unexpected

_REALM = {"WWW-Authenticate": 'Bearer realm="quanyu"'}


class PublicApp:
    """The public ASGI application."""

    def __init__(
        self,
        settings: GatewaySettings,
        table: RouteTable,
        upstreams: Mapping[str, Forwarder],
        keys: KeyCache,
        rates: RateLimits,
    ) -> None:
        self._table = table
        self._upstreams = dict(upstreams)
        self._keys = keys
        self._rates = rates
        self._proxies = tuple(ip_network(one) for one in settings.trusted_proxies)
        self.access_log = AccessLog(settings)
        self._cross_origin = CrossOrigin(settings.cors_origins, table)
        public = settings.metrics_public
        self._metrics_public = settings.environment != "production" if public is None else public
        self._log = get_logger(part="gateway")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whatever it is; nothing is raised."""
        if scope["type"] == "lifespan":
            return await _lifespan(receive, send)
        if scope["type"] != "http":
            return await send({"type": "websocket.close", "code": 1008})
        exchange = Exchange(scope, send, new_id("req"))
        try:
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
        given = read_headers(scope["headers"])
        _keep_request_id(exchange, given.request_id)
        exchange.address = address_of(exchange.address, given.forwarded_for, self._proxies)
        raw_path: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
        route = self._route(exchange, raw_path, given)
        if not isinstance(route, Route):
            return await exchange.answer_preflight(route)
        exchange.route = route
        exchange.extra += self._cross_origin.answered(route, given.origin)
        query: bytes = scope["query_string"]
        if query and credentials.in_query(query):
            raise BadRequest("key_in_query", "Never put a key into a URL: it lands in logs. Send it as Authorization.")
        if given.length is not None and given.length > route.body_limit:
            raise too_large(route.body_limit)
        if given.length is None:
            receive = exchange.limited(receive, route.body_limit)
        if route.scope != PUBLIC:
            receive = await self._admit(exchange, route, given, receive)
        elif route.webhook_in:
            exchange.extra += await self._rates.count_webhook_in(exchange.address)
        upstream = self._upstreams.get(route.service)
        if upstream is None:
            raise Unavailable("upstream_unavailable", f"The {route.service} service is not part of this installation.")
        has_body = given.chunked or bool(given.length)
        request = Forwarded(
            scope["method"],
            raw_path,
            query,
            self._headers(exchange, given),
            exchange.caller,
            exchange.request_id,
            route.template,
            has_body,
            scope,
        )
        await upstream.forward(request, receive, exchange.send)

    def _route(self, exchange: Exchange, raw_path: bytes, given: RequestHeaders) -> Route | HeaderPairs:
        """The route, or what a preflight is told. Raises NotFound, or 405 with the methods that the path knows."""
        method: str = exchange.scope["method"]
        try:
            path = check_path(raw_path)
        except OddPath as odd:
            raise BadRequest("odd_path", f"{odd.args[0]} Write the path in its plain form.") from None
        found = self._table.match(method, path)
        if isinstance(found, Route):
            if found.template != "/metrics" or self._metrics_public:
                return found
            found = frozenset()
        if method == "OPTIONS" and given.preflight is not None and given.origin is not None:
            told = self._cross_origin.preflight(path, given.origin)
            if told is not None:
                exchange.route = self._table.at(path)[0]
                return told
        self._rates.count_failure(exchange.address)
        if not found:
            raise NotFound("not_found", "There is nothing at this path. The paths are listed at /docs.")
        allow = ", ".join(sorted(found))
        detail = f"This path knows {allow}, not {method}."
        raise Problem("method_not_allowed", detail, status=405, headers={"Allow": allow})

    async def _admit(self, exchange: Exchange, route: Route, given: RequestHeaders, receive: Receive) -> Receive:
        """Establish the caller, their right to this route and their turn. Raises 401, 403 or 429."""
        credential = credentials.from_headers(given.authorization, given.api_key, tracking=route.tracking)
        if credential is None and route.tracking:
            body = await read_body(receive)
            receive = replayed(body, receive)
            credential = credentials.from_body(body, given.encoding)
        key = await self._authenticate(exchange, credential)
        exchange.caller = key.caller
        if not key.caller.allows(route.scope):
            exchange.note = "scope missing"
            raise Forbidden(
                "scope_missing", f"This key lacks the scope {route.scope}. Use a key that has it.", scope=route.scope
            )
        exchange.extra += await self._rates.count(key.caller, key.buckets, exchange.address)
        exchange.extra += key.notice
        return receive

    async def _authenticate(self, exchange: Exchange, credential: str | None) -> CachedKey:
        if credential is None:
            exchange.note = "no key"
            self._rates.count_failure(exchange.address)
            detail = "This call needs a key: send it as `Authorization: Bearer qy_…` or `X-API-Key`."
            raise Unauthorized("key_missing", detail, headers=_REALM)
        if not self._keys.knows(credential):
            self._rates.check_failures(exchange.address)
        found = await self._keys.authenticate(credential, exchange.address)
        if isinstance(found, CachedKey):
            return found
        exchange.note = f"key {found}"
        self._rates.count_failure(exchange.address)
        detail = "This key is not valid. Check for typing errors, or ask for a new key."
        raise Unauthorized("key_invalid", detail, headers=_REALM)

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
