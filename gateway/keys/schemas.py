"""HTTP shapes of keys."""

from ipaddress import ip_network
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from gateway.keys.rules import SCOPE, Kind
from shared.web import Body, ExternalId, Instant, Name, View

_LONGEST = 31 * 86400


def _scope(text: str) -> str:
    if not SCOPE.fullmatch(text):
        raise ValueError("a scope reads service:resource:action, action is read or write, * stands for any part")
    return text


def _network(text: str) -> str:
    try:
        return str(ip_network(text, strict=False))
    except ValueError:
        raise ValueError("must be an IP address or a network such as 203.0.113.0/24") from None


Scope = Annotated[str, Field(max_length=120), AfterValidator(_scope)]
Network = Annotated[str, Field(max_length=50), AfterValidator(_network)]


Calls = Annotated[int, Field(strict=True, ge=1, le=10**9)]
Seconds = Annotated[int, Field(strict=True, ge=1, le=_LONGEST)]


class Rate(Body):
    """`requests` in `window_seconds`, spread; `burst` of them at once, all unless it is given."""

    requests: Calls
    window_seconds: Seconds = 60
    burst: Calls | None = None

    @model_validator(mode="after")
    def _fits(self) -> "Rate":
        _check_burst(self.requests, self.window_seconds, self.burst)
        return self


class Quotas(Body):
    """How often: `requests` in `window_seconds`, `burst` of them at once; `daily` and `monthly` in the merchant's calendar."""

    requests: Calls | None = None
    window_seconds: Seconds | None = None
    burst: Calls | None = None
    daily: Calls | None = None
    monthly: Calls | None = None

    @model_validator(mode="after")
    def _fits(self) -> "Quotas":
        if self.requests is None and (self.window_seconds is not None or self.burst is not None):
            raise ValueError("window_seconds and burst belong to requests: give it too")
        if self.requests is not None:
            self.window_seconds = self.window_seconds or 60
            _check_burst(self.requests, self.window_seconds, self.burst)
        return self


class RouteLimit(Quotas):
    """A limit on some operations, beside those of the key. `route`: `POST /v1/quotes`, `/v1/quotes` for all its methods, or a
    scope such as `coupon:*:write` for all that need it; those share one bucket."""

    route: Annotated[str, Field(max_length=150, pattern="^[!-~]+( [!-~]+)?$")]

    @model_validator(mode="after")
    def _says_something(self) -> "RouteLimit":
        if self.requests is None and self.daily is None and self.monthly is None:
            raise ValueError("give requests, daily or monthly")
        return self


class Limits(Quotas):
    """How often a key may call. All that are given hold at once; without `requests` the usual rate of its kind holds.

    `per_address`: for each address by itself (an IPv6 network of /64 is one). `routes`: for some operations only.
    """

    per_address: Rate | None = None
    routes: Annotated[list[RouteLimit], Field(max_length=20)] | None = None

    @model_validator(mode="after")
    def _says_something(self) -> "Limits":
        if all(value is None for value in (self.requests, self.daily, self.monthly, self.per_address, self.routes)):
            raise ValueError("give requests, daily, monthly, per_address or routes, or leave limits out")
        return self


def _check_burst(requests: int, window_seconds: int, burst: int | None) -> None:
    if burst is not None and burst * window_seconds > requests * _LONGEST:
        raise ValueError("a burst that takes more than 31 days to earn: give a smaller one, or more requests")


class KeyIn(Body):
    """A new key. `scopes` may be left out for secret (everything) and publishable keys (tracking).

    `allowed_ips` and `expires_at` lie within those of the key that makes it, whose they are when left out. Its calls count
    against its `limits` and against its maker's. `owner_id` gives a partner another key. `shop_id` makes it a staff key 店员密钥
    of that shop: what it redeems is redeemed there.
    """

    name: Name
    kind: Kind = "restricted"
    scopes: Annotated[list[Scope], Field(max_length=100)] | None = None
    expires_at: Instant | None = None
    allowed_ips: Annotated[list[Network], Field(max_length=100)] = Field(default_factory=list)
    limits: Limits | None = None
    shop_id: ExternalId | None = None
    owner_id: Annotated[ExternalId, Field(max_length=40)] | None = None

    @field_validator("scopes", "allowed_ips")
    @classmethod
    def _once(cls, values: list[str] | None) -> list[str] | None:
        return None if values is None else list(dict.fromkeys(values))


class RotateIn(Body):
    """`overlap_seconds`: how long the old key still works."""

    overlap_seconds: Annotated[int, Field(strict=True, ge=0, le=90 * 86400)] = 86400


class SigningSecretIn(Body):
    """`overlap_seconds`: how long calls may still be signed with the old secret.

    `require_signature`: from now on the key alone opens nothing, every call with it must be signed; left out, as it was.
    """

    overlap_seconds: Annotated[int, Field(strict=True, ge=0, le=90 * 86400)] = 86400
    require_signature: Annotated[bool, Field(strict=True)] | None = None


class KeyView(View):
    """A key as it may be shown: `hint` is its beginning and end.

    `lineage_id` stays when it is rotated. `maker_id` is the key that it was made with and ends with. `signs`: it has a
    signing secret.
    """

    id: str
    name: str
    kind: Kind
    owner_id: str
    lineage_id: str
    maker_id: str | None
    status: Literal["active", "rotating", "expired", "revoked"]
    hint: str
    scopes: list[str]
    limits: dict[str, Any] | None
    allowed_ips: list[str]
    shop_id: str | None
    signs: bool
    require_signature: bool
    created_at: Instant
    created_by: str | None
    expires_at: Instant | None
    revoked_at: Instant | None
    successor_id: str | None
    last_used_at: Instant | None


class NewKeyView(KeyView):
    """The one answer that holds the key itself. Keep it: it can't be shown again."""

    key: str


class NewSigningSecretView(KeyView):
    """The one answer that holds the signing secret 签名密钥. Keep it: it can't be shown again."""

    signing_secret: str
