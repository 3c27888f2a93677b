"""Splits (分流) by hash: the same customer always takes the same arm, over retries, re-entry and edits. Pure."""

from collections.abc import Sequence
from hashlib import sha256

WHOLE = 10_000


def bucket(salt: str, customer_id: str) -> int:
    """A place in 0..9999, uniform over customers and independent between salts."""
    digest = sha256(f"{salt}:{customer_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % WHOLE


def choose(variants: Sequence[tuple[str, int]], place: int) -> str:
    """The variant (name, share in basis points) in whose stretch the place falls; shares sum to 10,000."""
    edge = 0
    for name, share in variants:
        edge += share
        if place < edge:
            return name
    raise ValueError("the shares of a split must sum to 10000")
