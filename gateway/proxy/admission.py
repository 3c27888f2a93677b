"""Whose turn it is: every request counts, by its key or session when the headers hold a valid one, by its address otherwise.

That comes before anything of the request is read, and before it is known whether the path exists. What strangers do counts
against their address and never refuses a valid key, so that one office, carrier or proxy is no way to lock others out.
"""

from functools import partial
from typing import NamedTuple

from starlette.types import Receive

from gateway.cookies import SESSION_COOKIE, read_cookie
from gateway.keys.cache import CachedKey, KeyCache
from gateway.limits.rate_limits import RateLimits
from gateway.proxy import credentials
from gateway.proxy.exchange import Exchange, too_large
from gateway.proxy.headers import RequestHeaders
from gateway.proxy.own_pages import OwnPages
from gateway.routes import PUBLIC, Route
from gateway.sign_in.cache import SESSION, SessionCache
from gateway.signatures.proof import MOST_SIGNED, Signatures
from gateway.signatures.rules import RequestTarget, Signed
from gateway.usage.counter import UsageCounter
from shared.web import BadRequest, Forbidden, Problem, Unauthorized
from shared.web.asgi import read_body, replayed

_PIECE = 8 * 1024
"""Bytes of a stranger's body that cost as much as a request."""
_WRONG = (
    "This signature is not that of any key. Sign the bytes that you send: method, path and query as they stand in the "
    "request line, and the body."
)
_REALM = {"WWW-Authenticate": 'Bearer realm="quanyu"'}


class Proofs(NamedTuple):
    """What tells whose a call is: a key, an operator's session, or a signature."""

    keys: KeyCache
    sessions: SessionCache
    signatures: Signatures


class Admission:
    """`take_turn` first, then `admit` for what is not public."""

    def __init__(
        self,
        proofs: Proofs,
        rates: RateLimits,
        usage: UsageCounter,
        pages: OwnPages,
        *,
        host_only: bool,
    ) -> None:
        """`host_only`: sessions are taken from cookies that nobody but this very host could set."""
        self._keys, self._sessions, self._signatures = proofs
        self._rates = rates
        self._usage = usage
        self._pages = pages
        self._host_only = host_only

    async def take_turn(self, exchange: Exchange, route: Route | None, given: RequestHeaders) -> None:
        """Count the request, whatever it asks for; `route` is None where there is nothing.

        Raises TooManyRequests, Unauthorized for a refused credential, BadRequest for two.
        """
        if route is not None and route.webhook_in:
            exchange.extra += await self._rates.count_webhook_in(exchange.address)
            return
        needs_key = route is not None and route.scope != PUBLIC
        if needs_key and given.signature:
            return self._read_signature(exchange, given)
        credential, doubled = None, None
        try:
            credential = credentials.from_headers(
                given.authorization, given.api_key, tracking=route is not None and route.tracking
            )
        except BadRequest as problem:
            doubled = problem
        key = None if credential is None else await self._keys.authenticate(credential, exchange.address)
        if isinstance(key, CachedKey):
            return await self._count(exchange, _unsigned(exchange, key), route)
        if needs_key and given.cookies and credential is None and doubled is None:
            return await self._take_session(exchange, given)
        self._rates.count_anonymous(exchange.address)
        if route is not None and route.own_pages:
            self._pages.must_be_calling(given)
        if needs_key and doubled is not None:
            raise doubled
        if needs_key and key is not None:
            raise self._refused(exchange, key)

    async def _take_session(self, exchange: Exchange, given: RequestHeaders) -> None:
        """The operator who is signed in. A cookie that comes from another site's page is nobody's."""
        token = read_cookie(given.cookies, SESSION_COOKIE, host_only=self._host_only)
        session = None
        if token is not None and self._pages.are_calling(given):
            session = await self._sessions.authenticate(token)
        if session is None:
            self._rates.count_anonymous(exchange.address)
            if token is not None:
                exchange.note = "session ended"
                raise Unauthorized("session_ended", "You are not signed in any more. Sign in again.", headers=_REALM)
            return
        exchange.used = partial(self._usage.note, session.caller.owner_id, session.caller.key_id)
        turn = (session.caller, (session.bucket,), exchange.address)
        exchange.extra += await self._rates.count(*turn)
        exchange.charge = partial(self._rates.charge, *turn)
        self._pages.must_mean_it(exchange.scope["method"], session.csrf, given)
        exchange.caller = session.caller
        exchange.scope[SESSION] = session

    async def admit(self, exchange: Exchange, route: Route, given: RequestHeaders, receive: Receive) -> Receive:
        """Establish that the caller may do this. Answers the body's rest. Raises 401, 403, 413 or 429."""
        if given.signed is not None:
            receive = await self._prove(exchange, given, given.signed, receive)
        if exchange.caller is None and route.tracking:
            receive = await self._find_in_body(exchange, given, receive)
        if exchange.caller is None:
            exchange.note = "no key"
            detail = "This call needs a key: send it as `Authorization: Bearer qy_…` or `X-API-Key`."
            raise Unauthorized("key_missing", detail, headers=_REALM)
        if not exchange.caller.allows(route.scope):
            exchange.note = "scope missing"
            who = "Your role" if exchange.caller.kind == "staff" else "This key"
            detail = f"{who} lacks the scope {route.scope}. Use one that has it."
            raise Forbidden("scope_missing", detail, scope=route.scope)
        return receive

    async def _find_in_body(self, exchange: Exchange, given: RequestHeaders, receive: Receive) -> Receive:
        """Look for a key where some Segment SDKs have it. What it costs to look in vain is the address's."""
        body = await read_body(receive)
        search = credentials.from_body(body, given.encoding)
        key = None if search.key is None else await self._keys.authenticate(search.key, exchange.address)
        if isinstance(key, CachedKey):
            await self._count(exchange, _unsigned(exchange, key), exchange.route)
            return replayed(body, receive)
        self._rates.charge_anonymous(exchange.address, search.seen // _PIECE)
        if search.problem is not None:
            raise search.problem
        if key is not None:
            raise self._refused(exchange, key)
        return receive

    def _read_signature(self, exchange: Exchange, given: RequestHeaders) -> None:
        """Of a signed call. Whose it is will be known once its body is there."""
        try:
            if given.authorization or given.api_key:
                raise BadRequest("two_credentials", "Send one credential: a signature in place of the key.")
            given.signed = self._signatures.read(given.signature)
        except Problem:
            self._rates.count_anonymous(exchange.address)
            self._rates.count_failure(exchange.address)
            raise

    async def _prove(self, exchange: Exchange, given: RequestHeaders, signed: Signed, receive: Receive) -> Receive:
        """Read the body of a signed call and find whose call it is; nothing of it goes on before."""
        key, body, scope = await self._signatures.find(signed, exchange.address), b"", exchange.scope
        if key is not None:
            if given.length is None:
                receive = exchange.limited(receive, MOST_SIGNED)
            elif given.length > MOST_SIGNED:
                raise too_large(MOST_SIGNED)
            body = await read_body(receive)
        target = RequestTarget(scope["method"], scope["raw_path"], scope["query_string"])
        if key is None or not self._signatures.prove(key, signed, target, body):
            exchange.note = "signature wrong"
            self._rates.count_anonymous(exchange.address)
            self._rates.charge_anonymous(exchange.address, len(body) // _PIECE)
            self._rates.count_failure(exchange.address)
            raise Unauthorized("signature_invalid", _WRONG)
        await self._count(exchange, key, exchange.route)
        await self._signatures.use_up(key, signed)
        return replayed(body, receive)

    async def _count(self, exchange: Exchange, key: CachedKey, route: Route | None) -> None:
        exchange.caller = key.caller
        exchange.used = partial(self._usage.note, key.caller.owner_id, key.lineage_id)
        turn = (key.caller, key.buckets_of(route), exchange.address)
        exchange.extra += await self._rates.count(*turn)
        exchange.extra += key.notice
        exchange.charge = partial(self._rates.charge, *turn)

    def _refused(self, exchange: Exchange, reason: str) -> Unauthorized:
        """The one 401 for every reason. Raises TooManyRequests instead for one failure too many."""
        exchange.note = f"key {reason}"
        self._rates.count_failure(exchange.address)
        detail = "This key is not valid. Check for typing errors, or ask for a new key."
        return Unauthorized("key_invalid", detail, headers=_REALM)


def _unsigned(exchange: Exchange, key: CachedKey) -> CachedKey:
    """The key of a call that is not signed. Raises Unauthorized where it has to be."""
    if key.require_signature:
        exchange.note = "signature missing"
        detail = (
            "Calls with this key must be signed: send X-Quanyu-Signature and its three companions in place of the key."
        )
        raise Unauthorized("signature_required", detail, headers=_REALM)
    return key
