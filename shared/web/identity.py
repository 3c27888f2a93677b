"""Who is calling: established by the gateway, carried to the services in signed headers, demanded by each route.

Inside one process the gateway hands the verified `Caller` over in the ASGI scope, which no HTTP request can write.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Literal
from urllib.parse import quote, unquote

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.clock import Clock
from shared.web.problems import Forbidden, NotFound, Unauthorized

KeyKind = Literal["secret", "restricted", "publishable", "partner", "staff"]
"""What somebody holds: a key of this kind, or, for `staff`, a session at the console."""
SCOPE_KEY = "quanyu.caller"
ASSERTION_SECONDS = 30
_FIELDS = ("key-id", "owner-id", "key-kind", "scopes", "customer-id", "shop-id")
PREFIX = "x-quanyu-"
MERCHANT = "own_merchant"
"""The owner of the merchant's own keys, and of what messages bring about."""
DISTRUST = (
    "does not believe the gateway's signature: give both the same QUANYU_INTERNAL_SECRET, or the same data folder, and see "
    "that their clocks agree"
)
"""What a part or the gateway says of the other, its name before it."""


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated caller. `customer_id` is set for an end-user's token: then only that customer's objects exist.

    `shop_id` is set for a staff key 店员密钥: it works for that shop. An operator who is signed in is of the kind `staff`, and
    `key_id` is their account.
    """

    key_id: str
    owner_id: str
    kind: KeyKind
    scopes: tuple[str, ...]
    customer_id: str | None = None
    shop_id: str | None = None

    @property
    def actor(self) -> str:
        """Who did it, for ledgers: `customer:…` for an end-user's token, `account:…` for an operator, else `key:…`."""
        if self.customer_id is not None:
            return f"customer:{self.customer_id}"
        return f"account:{self.key_id}" if self.kind == "staff" else f"key:{self.key_id}"

    @property
    def shopper(self) -> bool:
        """True for a publishable key and an end-user's token, which are in the hands of whoever visits: they are shown what
        every shopper may know."""
        return self.kind == "publishable" or self.customer_id is not None

    @property
    def sees_all(self) -> bool:
        """True for the merchant's secret keys and operators: at the gateway every owner's objects exist for them."""
        return self.kind in ("secret", "staff")

    @property
    def wall(self) -> str | None:
        """The owner whose objects alone this caller sees: a partner's key, or one that was made with it. None: everybody's."""
        return None if self.kind == "secret" or self.owner_id == MERCHANT else self.owner_id

    def sees(self, owner_id: str) -> bool:
        """True when an object of this owner exists for the caller."""
        return self.wall in (None, owner_id)

    def offered(self, owner_id: str) -> bool:
        """The same for what the merchant offers to all: that exists for every partner."""
        return owner_id == MERCHANT or self.sees(owner_id)

    def allows(self, scope: str) -> bool:
        """True when one of the scopes covers this one."""
        return _allows(self.scopes, scope)

    def require(self, scope: str) -> None:
        """Raises Forbidden that names the missing scope."""
        if not _allows(self.scopes, scope):
            raise Forbidden("scope_missing", f"This key lacks the scope {scope}. Use a key that has it.", scope=scope)

    def require_customer(self, customer_id: str) -> None:
        """Raises NotFound when an end-user asks for another customer's object: it must not even seem to exist."""
        if self.customer_id is not None and self.customer_id != customer_id:
            raise NotFound("not_found", "There is no such object.")

    def require_profile(self, customer_id: str) -> None:
        """The same, and Forbidden unless the caller may read people: what is answered shows who this one is."""
        self.require_customer(customer_id)
        if self.customer_id is None:
            self.require("segments:profiles:read")


@lru_cache(maxsize=4096)
def _allows(granted: tuple[str, ...], wanted: str) -> bool:
    return any(covers(one, wanted) for one in granted)


def covers(granted: str, wanted: str) -> bool:
    """True when the scope `granted` includes all of `wanted`: `*` stands for any part, and a lone `*` for everything."""
    if granted == "*":
        return True
    mine, theirs = granted.split(":"), ("*:*:*" if wanted == "*" else wanted).split(":")
    return len(mine) == len(theirs) and all(a in ("*", b) for a, b in zip(mine, theirs, strict=True))


class Needs:
    """A route's permission, used as a dependency: `Annotated[Caller, Depends(needs("coupon:coupons:read"))]`."""

    def __init__(self, scope: str) -> None:
        self.scope = scope

    async def __call__(self, request: Request) -> Caller:
        """The caller. Raises Unauthorized, Forbidden."""
        return required(request.scope, self.scope)


def needs(scope: str) -> Needs:
    """A dependency that lets through who has the scope, and answers 403 else."""
    return Needs(scope)


class MerchantNeeds(Needs):
    """The scope, and no end-user's token: what is answered concerns other customers as well."""

    async def __call__(self, request: Request) -> Caller:
        """The caller. Raises Unauthorized, Forbidden."""
        caller = await super().__call__(request)
        if caller.customer_id is not None:
            raise Forbidden("merchant_only", "An end-user's token can't be used here; use a key of the merchant's.")
        return caller


def merchant_needs(scope: str) -> MerchantNeeds:
    """As `needs`, for the merchant's own keys only."""
    return MerchantNeeds(scope)


class OperatorNeeds(Needs):
    """The scope, and a key of the merchant's operators: what is answered names everybody's objects."""

    async def __call__(self, request: Request) -> Caller:
        """The caller. Raises Unauthorized, Forbidden."""
        caller = await super().__call__(request)
        if caller.customer_id is not None or caller.shop_id is not None or caller.wall is not None:
            raise Forbidden(
                "operators_only", "This is for the merchant's operators, not for shoppers, tills or partners."
            )
        return caller


def operator_needs(scope: str) -> OperatorNeeds:
    """As `needs`, for keys of the merchant's operators only."""
    return OperatorNeeds(scope)


def required(scope: Scope, permission: str) -> Caller:
    """The request's caller. Raises Unauthorized without one, Forbidden without the permission."""
    caller: Caller | None = scope.get(SCOPE_KEY)
    if caller is None:
        raise Unauthorized("identity_missing", "This service only answers requests that come through the gateway.")
    caller.require(permission)
    return caller


def _values(caller: Caller) -> tuple[str, ...]:
    fields = (
        caller.key_id,
        caller.owner_id,
        caller.kind,
        ",".join(caller.scopes),
        caller.customer_id or "",
        caller.shop_id or "",
    )
    return tuple(quote(value, safe=":*,._-") for value in fields)


def _mac(secret: bytes, stamp: str, method: str, path: bytes, values: Iterable[str]) -> str:
    text = "\n".join((stamp, method, *values)).encode() + b"\n" + path
    return base64.b64encode(hmac.new(secret, text, hashlib.sha256).digest()).decode()


def sign_headers(caller: Caller, secret: str, now: datetime, method: str, raw_path: bytes) -> list[tuple[bytes, bytes]]:
    """The identity headers that a gateway of its own adds to a forwarded request. Good for 30 s, this method and path."""
    values = _values(caller)
    stamp = str(int(now.timestamp()))
    headers = [((PREFIX + name).encode(), value.encode()) for name, value in zip(_FIELDS, values, strict=True)]
    assertion = f"v1,{stamp},{_mac(secret.encode(), stamp, method, raw_path, values)}"
    return [*headers, (b"x-quanyu-assertion", assertion.encode())]


def verify_headers(scope: Scope, secret: str, now: datetime) -> Caller | None:
    """The caller that the request's headers prove; None when there is no fresh, true assertion."""
    found = {
        key.decode("latin-1"): value.decode("latin-1")
        for key, value in scope["headers"]
        if key.startswith(b"x-quanyu-")
    }
    version, _, rest = found.get("x-quanyu-assertion", "").partition(",")
    stamp, _, mac = rest.partition(",")
    if version != "v1" or not (stamp.isascii() and stamp.isdigit() and len(stamp) < 12):
        return None
    if abs(now.timestamp() - int(stamp)) > ASSERTION_SECONDS:
        return None
    values = [found.get(PREFIX + name, "") for name in _FIELDS]
    path = scope.get("raw_path") or scope["path"].encode()
    if not hmac.compare_digest(
        mac.encode("latin-1"), _mac(secret.encode(), stamp, scope["method"], path, values).encode()
    ):
        return None
    key_id, owner_id, kind, scopes, customer_id, shop_id = (unquote(value) for value in values)
    known: KeyKind = kind  # type: ignore[assignment] # signed by us
    return Caller(key_id, owner_id, known, tuple(scopes.split(",")), customer_id or None, shop_id or None)


def distrusts(scope: Scope) -> bool:
    """True when the request says who sends it and does not prove it."""
    return scope.get(SCOPE_KEY) is None and any(name == b"x-quanyu-assertion" for name, _ in scope["headers"])


class IdentityMiddleware:
    """Puts the verified caller into the scope. Requests without one go on: only open routes will answer them."""

    def __init__(self, app: ASGIApp, secret: str, clock: Clock) -> None:
        self._app = app
        self._secret = secret
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI: only what the gateway signed goes on."""
        if scope["type"] == "http" and SCOPE_KEY not in scope:
            scope[SCOPE_KEY] = verify_headers(scope, self._secret, self._clock.now())
        await self._app(scope, receive, send)
