"""HTTP shapes of keys."""

from ipaddress import ip_network
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, field_validator

from gateway.keys.rules import SCOPE, Kind
from shared.web import Body, ExternalId, Instant, Name, View


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


class Limits(Body):
    """How often a key may call: `requests` in `window_seconds`, all at once or spread."""

    requests: Annotated[int, Field(strict=True, ge=1, le=10**9)]
    window_seconds: Annotated[int, Field(strict=True, ge=1, le=31 * 86400)] = 60


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


class KeyView(View):
    """A key as it may be shown: `hint` is its beginning and end.

    `lineage_id` stays when it is rotated. `maker_id` is the key that it was made with and ends with.
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
    created_at: Instant
    created_by: str | None
    expires_at: Instant | None
    revoked_at: Instant | None
    successor_id: str | None
    last_used_at: Instant | None


class NewKeyView(KeyView):
    """The one answer that holds the key itself. Keep it: it can't be shown again."""

    key: str
