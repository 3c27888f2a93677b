"""How a key looks and what its scopes cover. Pure: no clock, no store.

A key is `qy_live_sk_` + 43 base62 characters (32 random bytes) + 6 base62 characters of the CRC32 of all before: 60 in
all. The checksum refuses typing errors and noise without a look-up; it protects nothing.
"""

import hashlib
import re
import zlib
from collections.abc import Iterable
from typing import Literal

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
