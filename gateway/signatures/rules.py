"""How a call is signed 请求签名: HMAC-SHA256 over seven lines. Pure: time and secrets are arguments.

The lines, joined by LF, none behind the last: `QY1-HMAC-SHA256`, timestamp, nonce, METHOD, path and query as sent, lower-case hex
SHA-256 of the body. The signature stands as `v1=<hex>`; two of them, with a comma between, while a secret is being rotated.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

KEY_ID, TIMESTAMP, NONCE, SIGNATURE = NAMES = (
    b"x-quanyu-key-id",
    b"x-quanyu-timestamp",
    b"x-quanyu-nonce",
    b"x-quanyu-signature",
)
SKEW_SECONDS = 300
"""How far a timestamp may lie from our clock, either way."""
_ALGORITHM = b"QY1-HMAC-SHA256"
_PLAIN_ID = re.compile(rb"[A-Za-z0-9_]{1,40}")
_SECONDS = re.compile(rb"[1-9][0-9]{0,11}")
_NONCE_SHAPE = re.compile(rb"[A-Za-z0-9_-]{1,64}")
_SIGNATURES = re.compile(rb"v1=[0-9a-f]{64}(?:, ?v1=[0-9a-f]{64})?")


class Signed(NamedTuple):
    """What the four headers say; `signatures` are hex digits."""

    key_id: str
    timestamp: int
    nonce: str
    signatures: tuple[str, ...]

    def in_time(self, now: datetime) -> bool:
        """Whether the call was signed a moment ago, by our clock."""
        return abs(now.timestamp() - self.timestamp) <= SKEW_SECONDS


class RequestTarget(NamedTuple):
    """What is called, byte for byte as sent."""

    method: str
    path: bytes
    query: bytes


def read(headers: Sequence[tuple[bytes, bytes]]) -> Signed:
    """Read the four headers. Raises ValueError that names the one that is missing, doubled or misshapen."""
    values: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in values:
            raise ValueError(f"{name.decode()} stands twice")
        values[name] = value
    key_id = _shaped(values, KEY_ID, _PLAIN_ID, "the id of a key")
    timestamp = _shaped(values, TIMESTAMP, _SECONDS, "Unix seconds")
    nonce = _shaped(values, NONCE, _NONCE_SHAPE, "1 to 64 letters, digits, - or _")
    signature = _shaped(values, SIGNATURE, _SIGNATURES, "v1=<64 lower-case hex digits>, once or twice")
    signatures = tuple(one.strip().removeprefix("v1=") for one in signature.split(","))
    return Signed(key_id, int(timestamp), nonce, signatures)


def _shaped(values: dict[bytes, bytes], name: bytes, shape: re.Pattern[bytes], told: str) -> str:
    value = values.get(name)
    if value is None or not shape.fullmatch(value):
        raise ValueError(f"{name.decode()} must be {told}")
    return value.decode("ascii")


def sign(secret: str, signed: Signed, target: RequestTarget, body: bytes) -> str:
    """The signature of a call as 64 hex digits; `signed.signatures` plays no part."""
    lines = (
        _ALGORITHM,
        b"%d" % signed.timestamp,
        signed.nonce.encode(),
        target.method.encode(),
        target.path,
        target.query,
        hashlib.sha256(body).hexdigest().encode(),
    )
    return hmac.new(secret.encode(), b"\n".join(lines), hashlib.sha256).hexdigest()


def proven(secrets: Iterable[str], signed: Signed, target: RequestTarget, body: bytes) -> bool:
    """Whether one of the secrets made one of the signatures. Takes the same time whichever it is."""
    found = False
    for secret in secrets:
        made = sign(secret, signed, target, body)
        for given in signed.signatures:
            found |= hmac.compare_digest(made, given)
    return found
