"""Which events an endpoint wants, and which of them it may hear."""

import re
from collections.abc import Iterable, Mapping, Sequence

from gateway.event_scopes import EVENT_SCOPES
from shared.contracts import REGISTRY, Event
from shared.contracts.base import OwnedEvent
from shared.web.identity import MERCHANT, covers

_CATALOGUE = ("segment.",)
"""Begins the events about objects of the merchant's that partners may read as well."""
PATTERN = re.compile(r"\*|[a-z_]+\.(?:[a-z_]+|\*)")


def matches(patterns: Iterable[str], event_type: str) -> bool:
    """True when one of `coupon.redeemed`, `stock.*` or `*` names the event type."""
    family = event_type.partition(".")[0] + ".*"
    return any(pattern in (event_type, family, "*") for pattern in patterns)


def hears(patterns: Iterable[str], scopes: Iterable[str], event_type: str) -> bool:
    """True when the patterns name the event type and the scopes cover what it tells."""
    return matches(patterns, event_type) and may_hear(scopes, event_type)


def may_hear(scopes: Iterable[str], event_type: str) -> bool:
    """True when the scopes cover what an event of this type tells; a `webhook.test` tells nothing."""
    needed = EVENT_SCOPES.get(event_type)
    return needed is None or any(covers(one, needed) for one in scopes)


def concerns(endpoint_id: str, owner_id: str, event_type: str, payload: Mapping[str, object]) -> bool:
    """False for what is told to one owner's endpoints alone, when this is not one of them or the very one it tells of.

    The merchant hears of everybody's objects, a partner of their own, and of the merchant's catalogue.
    """
    whose = payload.get("owner_id") or MERCHANT
    if event_type == "webhook_endpoint.disabled":
        return whose == owner_id and payload["endpoint_id"] != endpoint_id
    if owner_id == MERCHANT or not issubclass(REGISTRY.get(event_type, Event), OwnedEvent):
        return True
    return whose == owner_id or (whose == MERCHANT and event_type.startswith(_CATALOGUE))


def grants(scopes: Iterable[str]) -> list[str]:
    """What an endpoint keeps of the scopes of whoever subscribes: all that let somebody read."""
    return sorted({scope for scope in scopes if scope.rpartition(":")[2] in ("read", "*")})


def lacking(patterns: Iterable[str], scopes: Sequence[str]) -> list[str]:
    """The scopes without which a pattern can't be asked for.

    A pattern for one event needs the event's. One for many brings those that the scopes cover, and needs some.
    """
    missing: set[str] = set()
    for pattern in patterns:
        named = [name for name in EVENT_SCOPES if matches([pattern], name)]
        if not any(hears([pattern], scopes, name) for name in named):
            missing.update(EVENT_SCOPES[name] for name in named)
    return sorted(missing)
