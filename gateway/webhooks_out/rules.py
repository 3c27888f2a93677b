"""Which events an endpoint wants."""

import re
from collections.abc import Iterable

PATTERN = re.compile(r"\*|[a-z_]+\.(?:[a-z_]+|\*)")


def matches(patterns: Iterable[str], event_type: str) -> bool:
    """True when one of `coupon.redeemed`, `stock.*` or `*` names the event type."""
    family = event_type.partition(".")[0] + ".*"
    return any(pattern in (event_type, family, "*") for pattern in patterns)
