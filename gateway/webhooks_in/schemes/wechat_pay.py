"""WeChat Pay v3 微信支付 APIv3 (签名验证, 证书和回调报文解密).

RSA-SHA256 over time, nonce and body, each with a line feed; `Wechatpay-Serial` says with which key. What it tells lies in
`resource`, sealed by AES-256-GCM under the APIv3 key.

Keys of the platform change: a secret may hold several, by serial, and no other is ever believed.
"""

import base64
import binascii
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json, to_json

from gateway.webhooks_in.schemes.port import (
    LONGEST_FIELD,
    LONGEST_ID,
    Answer,
    Posted,
    Proven,
    Scheme,
    Secret,
    Told,
    check_seconds,
)
from shared.webhooks import SignatureInvalid

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

_API_KEY = "api_v3_key"
_MOST_KEYS = 8
_LONGEST_SERIAL = 100


class WeChatPay(Scheme):
    """The secret is `api_v3_key`, and for each serial of the platform its public key or certificate in PEM."""

    fields = (_API_KEY, "<serial>")

    def check_secret(self, secret: Secret) -> None:
        """Raises ValueError for a key of another length, none of the platform's, or one that is no RSA key in PEM."""
        if len(secret.get(_API_KEY, "").encode()) != 32:
            raise ValueError(f"{_API_KEY} (APIv3密钥) is 32 characters")
        serials = set(secret) - {_API_KEY}
        if not 1 <= len(serials) <= _MOST_KEYS:
            raise ValueError(
                f"beside {_API_KEY} a secret of this scheme holds 1 to {_MOST_KEYS} fields, each named by the serial of one "
                "of the platform's keys, with the public key or certificate in PEM"
            )
        for serial in serials:
            if (
                len(serial) > _LONGEST_SERIAL
                or len(secret[serial]) > LONGEST_FIELD
                or _public_key(secret[serial]) is None
            ):
                raise ValueError("each serial of this scheme's secret has an RSA key or certificate in PEM")

    def prove(self, live: Sequence[Secret], delivery: Posted, now: datetime) -> Proven:
        """The notification, with what was sealed in its `resource` opened."""
        stamp, serial = delivery.headers.get("wechatpay-timestamp", ""), delivery.headers.get("wechatpay-serial", "")
        nonce, given = delivery.headers.get("wechatpay-nonce", ""), delivery.headers.get("wechatpay-signature", "")
        check_seconds(stamp, now)
        content = f"{stamp}\n{nonce}\n".encode("latin-1", "replace") + delivery.body + b"\n"
        proof = _bytes(given)
        for secret in live:
            if serial != _API_KEY and serial in secret and _fits(secret[serial], proof, content):
                return Proven((_told(secret, delivery.body),), secret)
        raise SignatureInvalid("no signature matches")

    def answer(self, proven: Proven, now: datetime) -> Answer | None:  # noqa: ARG002 - the port's
        """204 without a body."""
        return Answer(204)


@lru_cache(maxsize=64)
def _public_key(pem: str) -> "RSAPublicKey | None":
    from cryptography import x509  # heavy, and only for who has such a source
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        if "CERTIFICATE" in pem:
            key: Any = x509.load_pem_x509_certificate(pem.encode()).public_key()
        else:
            key = load_pem_public_key(pem.encode())
    except ValueError:
        return None
    return key if isinstance(key, RSAPublicKey) else None


def _fits(pem: str, proof: bytes, content: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.hashes import SHA256

    key = _public_key(pem)
    if key is None:
        return False
    try:
        key.verify(proof, content, PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


def _bytes(text: str) -> bytes:
    """A signature in base64, which has one spelling. Raises SignatureInvalid."""
    try:
        found = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, ValueError):
        raise SignatureInvalid("the signature is no base64") from None
    if base64.b64encode(found).decode() != text:
        raise SignatureInvalid("the signature is no base64")
    return found


def _told(secret: Secret, body: bytes) -> Told:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        document = from_json(body, allow_inf_nan=False)
        resource, delivery_id = document["resource"], document["id"]
        nonce, associated = resource["nonce"].encode(), (resource.get("associated_data") or "").encode()
        plain = AESGCM(secret[_API_KEY].encode()).decrypt(nonce, base64.b64decode(resource["ciphertext"]), associated)
        document["resource"] = from_json(plain, allow_inf_nan=False)
    except (InvalidTag, ValueError, KeyError, TypeError, AttributeError):
        raise SignatureInvalid("what is in resource can't be opened: check the APIv3 key") from None
    if not isinstance(delivery_id, str) or not 1 <= len(delivery_id) <= LONGEST_ID:
        raise SignatureInvalid("the notification has no id")
    return Told(delivery_id, to_json(document))
