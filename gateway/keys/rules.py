"""How a key looks and what its scopes cover. Pure: no clock, no store.

A key is `qy_live_sk_` + 43 base62 characters (32 random bytes) + 6 base62 characters of the CRC32 of all before: 60 in
all. The checksum refuses typing errors and noise without a look-up; it protects nothing.
"""

import hashlib
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network
from typing import Any, Literal, NamedTuple

from gateway.policy import Bucket, Policy
from shared.web.identity import covers

Kind = Literal["secret", "restricted", "publishable", "partner"]

LENGTH = 60
_MARKS: dict[Kind, str] = {"secret": "sk", "restricted": "rk", "publishable": "pk", "partner": "rk"}
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SHAPE = re.compile(r"qy_(?:live|test)_(?:sk|rk|pk)_[0-9A-Za-z]{49}")
_BODY, _CHECK = 43, 6

SCOPE = re.compile(r"\*|(?:[a-z][a-z_-]*|\*):(?:[a-z][a-z_-]*|\*):(?:read|write|\*)")
TRACKING_SCOPE = "segments:events:write"
PUBLISHABLE_SCOPES = frozenset({TRACKING_SCOPE, "coupon:templates:read", "inventory:availability:read"})
"""All that a key inside an app or a page may do: send events, read what is on offer. It is not a secret."""


def base62(number: int, width: int) -> str:
    """`number` in digits, upper case, lower case, padded with zeros to `width`."""
    digits = ""
    while number:
        number, rest = divmod(number, 62)
        digits = _DIGITS[rest] + digits
    return digits.rjust(width, "0")


def checksum(text: str) -> str:
    """Six base62 characters of the CRC32 of `text`."""
    return base62(zlib.crc32(text.encode("ascii")), _CHECK)


def format_key(kind: Kind, entropy: bytes) -> str:
    """The key made of 32 random bytes."""
    if len(entropy) != 32:
        raise ValueError("a key is made of 32 random bytes")
    text = f"qy_live_{_MARKS[kind]}_" + base62(int.from_bytes(entropy, "big"), _BODY)
    return text + checksum(text)


def well_formed(key: str) -> bool:
    """True when length, alphabet and checksum are right. Says nothing about whether the key exists."""
    return len(key) == LENGTH and _SHAPE.fullmatch(key) is not None and checksum(key[:-_CHECK]) == key[-_CHECK:]


def digest(key: str) -> str:
    """What is stored of a key. 256 random bits need no slow hash, and a slow one would be a way to stop the service."""
    return hashlib.sha256(key.encode()).hexdigest()


def uncovered(granted: Iterable[str], wanted: Iterable[str]) -> list[str]:
    """Those of `wanted` that `granted` does not include."""
    mine = tuple(granted)
    return [scope for scope in wanted if not any(covers(one, scope) for one in mine)]


class Ancestor(NamedTuple):
    """A key, as those that were made with it see it. `limits` is as `gateway.keys.schemas.Limits` gives it, or nothing."""

    lineage_id: str
    kind: Kind
    limits: dict[str, Any] | None


def buckets(chain: Sequence[Ancestor]) -> tuple[Bucket, ...]:
    """Where a key's calls are counted: in its own buckets, and in its makers', so that making keys makes no room.

    `chain` is the key, its maker, its maker's maker …. A key without a rate of its own shares its maker's bucket. The merchant's
    secret keys count what they made only where they have limits. Strangers hold publishable keys: theirs is another bucket,
    as large as the maker's, so that they can't use up what the maker's servers live on.
    """
    counted: list[Bucket] = []
    rated = False
    for one in reversed(chain):
        own = one is chain[0]
        strangers = not own and chain[0].kind == "publishable"
        place, limits = one.lineage_id + ":public" * strangers, one.limits or {}
        if "requests" in limits:
            counted.insert(0, Bucket(place, one.kind, _rate("key", limits)))
            rated = True
        elif not rated and (own or one.kind != "secret"):
            counted.insert(0, Bucket(place, one.kind))
            rated = True
        counted += _further(place, one.kind, limits)
    return tuple(counted)


def _rate(name: str, limits: Mapping[str, Any]) -> Policy:
    return Policy(name, limits["requests"], limits["window_seconds"], limits.get("burst"))


def _further(place: str, kind: Kind, limits: Mapping[str, Any]) -> Iterator[Bucket]:
    """The buckets of quotas, of each address, and of what concerns some operations only."""
    yield from _quotas(place, kind, limits, "")
    if "per_address" in limits:
        yield Bucket(f"{place}:address", kind, _rate("key-address", limits["per_address"]), per_address=True)
    for one in limits.get("routes", ()):
        route, there = one["route"], f"{place}:{one['route']}"
        if "requests" in one:
            yield Bucket(there, kind, _rate("route", one), route)
        yield from _quotas(there, kind, one, "route-", route)


def _quotas(place: str, kind: Kind, limits: Mapping[str, Any], mark: str, route: str | None = None) -> Iterator[Bucket]:
    if "daily" in limits:
        yield Bucket(place, kind, Policy(f"{mark}daily", limits["daily"], 86400, period="day"), route)
    if "monthly" in limits:
        yield Bucket(place, kind, Policy(f"{mark}monthly", limits["monthly"], 30 * 86400, period="month"), route)


def outside(granted: Iterable[str], wanted: Iterable[str]) -> list[str]:
    """Those of the networks `wanted` that do not lie within `granted`, where none means everywhere."""
    mine = [ip_network(text) for text in granted]
    if not mine:
        return []
    four = list(collapse_addresses(one for one in mine if isinstance(one, IPv4Network)))
    six = list(collapse_addresses(one for one in mine if not isinstance(one, IPv4Network)))
    return [text for text in wanted if not _lies_in(text, four, six)]


def _lies_in(text: str, four: Iterable[IPv4Network], six: Iterable[IPv6Network]) -> bool:
    network = ip_network(text)
    if isinstance(network, IPv4Network):
        return any(network.subnet_of(one) for one in four)
    return any(network.subnet_of(one) for one in six)
