"""Signatures of Standard Webhooks 1.0.0 (scheme `v1`, HMAC-SHA256), for what we send and what we receive; `v1a` (Ed25519), whose
receivers need hold no secret, for what we send.

What is signed are bytes: `webhook-id` + "." + `webhook-timestamp` + "." + the body exactly as it travels.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PREFIX = "whsec_"
PUBLIC_PREFIX = "whpk_"
TOLERANCE = timedelta(minutes=5)


class SignatureInvalid(Exception):
    """A delivery that is not proven to come from who holds the secret, or is too old. `reason` is for the log."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def new_secret() -> str:
    """A fresh secret `whsec_…` of 32 random bytes."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def secret_bytes(secret: str) -> bytes:
    """The key inside a secret, with or without its `whsec_`. Raises ValueError for what is no padded base64."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("a webhook secret is `whsec_` followed by base64") from error
    if not key:
        raise ValueError("a webhook secret can't be empty")
    return key


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """One signature, `v1,<base64>`. `timestamp` is in seconds. Raises ValueError for an id with a dot."""
    if "." in message_id:
        raise ValueError("a webhook id can't contain a dot: it separates the signed parts")
    return (
        "v1,"
        + base64.b64encode(_mac(secret_bytes(secret), message_id.encode(), str(timestamp).encode(), body)).decode()
    )


def new_signing_key() -> bytes:
    """A fresh Ed25519 private key of 32 bytes."""
    return secrets.token_bytes(32)


def public_key(key: bytes) -> str:
    """What proves the signatures of a private key: `whpk_` and base64."""
    return PUBLIC_PREFIX + base64.b64encode(_loaded(key).public_key().public_bytes_raw()).decode()


def sign_asymmetric(key: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """One signature, `v1a,<base64>`, over the same bytes as `sign`."""
    signed = b".".join((message_id.encode(), str(timestamp).encode(), body))
    return "v1a," + base64.b64encode(_loaded(key).sign(signed)).decode()


@lru_cache(maxsize=1024)
def _loaded(key: bytes) -> "Ed25519PrivateKey":
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # for who signs this way

    return Ed25519PrivateKey.from_private_bytes(key)


def signed_headers(
    live_secrets: Iterable[str], message_id: str, sent_at: datetime, body: bytes, keys: Iterable[bytes] = ()
) -> dict[str, str]:
    """The three headers of a delivery; one signature per secret, for the time while a secret is being rotated, and one `v1a` for
    each of `keys`.
    """
    timestamp = int(sent_at.timestamp())
    signatures = [sign(secret, message_id, timestamp, body) for secret in live_secrets]
    signatures += [sign_asymmetric(key, message_id, timestamp, body) for key in keys]
    return {"webhook-id": message_id, "webhook-timestamp": str(timestamp), "webhook-signature": " ".join(signatures)}


def verify(
    live_secrets: Iterable[str],
    headers: Mapping[str, str],
    body: bytes,
    now: datetime,
    tolerance: timedelta = TOLERANCE,
) -> str:
    """Prove a delivery and answer its id. `headers` has lower-case names. Raises SignatureInvalid, never anything else."""
    message_id, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    given = headers.get("webhook-signature", "")
    if not message_id or not stamp or not given:
        raise SignatureInvalid("a webhook header is missing")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
        raise SignatureInvalid("the timestamp is no number of seconds")
    if abs(int(stamp) - now.timestamp()) > tolerance.total_seconds():
        raise SignatureInvalid("the timestamp is too far from now")
    offered = _offered(given)
    # Latin-1 gives back the bytes that a header was decoded from, whatever they were.
    identity = message_id.encode("latin-1", "replace")
    matches = False
    for secret in live_secrets:
        expected = _mac(secret_bytes(secret), identity, stamp.encode(), body)
        for signature in offered:
            matches |= hmac.compare_digest(expected, signature)
    if not matches:
        raise SignatureInvalid("no signature matches")
    return message_id


def _mac(key: bytes, message_id: bytes, timestamp: bytes, body: bytes) -> bytes:
    return hmac.digest(key, b".".join((message_id, timestamp, body)), hashlib.sha256)


def _offered(header: str) -> list[bytes]:
    """The decoded `v1` signatures of a header; other versions and broken entries are passed over.

    A signature has one spelling: base64 would let the unused bits of its last letter be anything.
    """
    found = []
    for entry in header.split(" ")[:20]:
        version, _, value = entry.partition(",")
        if version != "v1":
            continue
        try:
            signature = base64.b64decode(value.encode("ascii"), validate=True)
        except (binascii.Error, ValueError):
            continue
        if base64.b64encode(signature).decode() == value:
            found.append(signature)
    return found
