"""What is audited, what of an object may be told, and how entries hang together. Pure.

The hash of an entry is SHA-256 over its fields as JSON (sorted keys, no blanks, UTF-8), the hash of the entry before among
them as `previous`: whoever has an export can check it without us.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from gateway.audit_log.models import AuditEntry
from gateway.routes import PUBLIC, Route

NOTHING = "0" * 64
"""The hash before the first entry."""
_SAFE = frozenset(("GET", "HEAD", "OPTIONS"))
TRADE = frozenset(
    (
        "coupon:checkouts:write",
        "coupon:completions:write",
        "coupon:coupons:write",
        "coupon:quotes:write",
        "coupon:redemption-tokens:write",
        "coupon:redemptions:write",
        "coupon:refunds:write",
        "coupon:shares:write",
        "coupon:tickets:write",
        "inventory:reservations:write",
        "journey:entries:write",
        "journey:inbox:write",
        "segments:events:write",
    )
)
"""What shoppers and order systems do all day with keys. Ledgers of the parts tell of it; here it would drown the rest."""
_GIVES_ACCESS = "code codes csrf_token key password qr_svg recovery_codes secret secrets token uri"
_PERSONAL = "email id_card identifier mobile openid phone traits unionid"
_HIDDEN = frozenset(f"{_GIVES_ACCESS} {_PERSONAL}".split())
_LONGEST_TEXT, _MOST_BYTES = 2_000, 32_000
COVERED = (
    *("seq", "previous", "id", "at", "kind", "actor", "owner_id", "action", "object_id", "status", "address"),
    *("request_id", "detail", "before", "after"),
)


def administrative(route: Route) -> bool:
    """True for what changes how the shop is run, whoever calls it."""
    return by_operators(route) and route.scope not in TRADE


def by_operators(route: Route) -> bool:
    """True for what is audited when an operator does it in the console: whatever changes something."""
    return route.method not in _SAFE and route.scope != PUBLIC and not route.scope.endswith(":read")


def masked(value: Any) -> Any:
    """An object as the log may tell it: neither secrets nor what tells who a customer is, and no book of a text."""
    if isinstance(value, dict):
        return {name: "***" if name in _HIDDEN and one else masked(one) for name, one in value.items()}
    if isinstance(value, list):
        return [masked(one) for one in value]
    if isinstance(value, str) and len(value) > _LONGEST_TEXT:
        return value[:_LONGEST_TEXT] + "…"
    return value


def difference(
    before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """What of an object changed, field by field; all of it where it came to be or went."""
    if before is None or after is None:
        return _short(before), _short(after)
    changed = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return (
        _short({name: before[name] for name in changed if name in before}),
        _short({name: after[name] for name in changed if name in after}),
    )


def _short(told: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Masked; of what is too long only which fields there were."""
    if told is None:
        return None
    shown: dict[str, Any] = masked(dict(told))
    if len(json.dumps(shown, ensure_ascii=False)) <= _MOST_BYTES:
        return shown
    return {"fields": sorted(told)[:200], "cut": True}


def entry_hash(entry: AuditEntry | Mapping[str, Any], seq: int, previous: str) -> str:
    """The hash of an entry in its place."""
    fields = {name: entry[name] if isinstance(entry, Mapping) else getattr(entry, name) for name in COVERED[2:]}
    at = fields["at"]
    if isinstance(at, datetime):
        fields["at"] = at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    text = json.dumps(
        {**fields, "seq": seq, "previous": previous}, sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    return hashlib.sha256(text.encode()).hexdigest()
