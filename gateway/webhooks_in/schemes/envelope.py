"""The sealed messages of WeChat, WeCom and DingTalk (企业微信 加解密方案说明).

SHA-1 over the sorted texts is the proof, AES-256-CBC the seal. The key is base64 of the EncodingAESKey and `=`, the IV its first
16 bytes; inside are 16 random bytes, the length of the message in four bytes, the message, and who it is for.
"""

import base64
import binascii
import hashlib
import hmac
import os
import re
import secrets
import string
from collections.abc import Sequence
from datetime import datetime

from pydantic_core import from_json, to_json

from gateway.webhooks_in.schemes.port import Posted, Proven, Secret, Told, check_seconds, check_text, fitting, id_of
from gateway.webhooks_in.schemes.xml import NotReadable, read_xml
from shared.webhooks import SignatureInvalid

TOKEN, KEY = "token", "encoding_aes_key"
_KEY = re.compile(r"[A-Za-z0-9]{43}")
_BLOCK = 32
_NOISE = 16
_LETTERS = string.ascii_letters + string.digits


def new_fields() -> dict[str, str]:
    """A token and an EncodingAESKey to enter at the platform."""
    token, key = ("".join(secrets.choice(_LETTERS) for _ in range(length)) for length in (32, 43))
    return {TOKEN: token, KEY: key}


def check_fields(secret: Secret) -> None:
    """Raises ValueError for a token or a key that the platforms would not take."""
    check_text(TOKEN, secret[TOKEN], longest=100)
    if not _KEY.fullmatch(secret[KEY]):
        raise ValueError(f"{KEY} (EncodingAESKey) is 43 letters and digits")


def signature(token: str, *texts: str) -> str:
    """Lower-case hex of SHA-1 over token and texts in their order by byte, joined."""
    content = b"".join(sorted(text.encode("utf-8", "surrogatepass") for text in (token, *texts)))
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()


def sealed(secret: Secret, receiver: str, message: bytes) -> str:
    """A message as the platform reads it, in base64."""
    from cryptography.hazmat.primitives.ciphers import (
        Cipher,
        algorithms,
        modes,
    )  # heavy, and only for who has such a source

    plain = os.urandom(_NOISE) + len(message).to_bytes(4, "big") + message + receiver.encode()
    pad = _BLOCK - len(plain) % _BLOCK
    key = _key(secret)
    cipher = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    return base64.b64encode(cipher.update(plain + bytes([pad]) * pad) + cipher.finalize()).decode()


def opened(secret: Secret, receiver: str, text: str) -> bytes:
    """The message inside, once it is for `receiver`. Raises SignatureInvalid."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    key = _key(secret)
    try:
        raw = base64.b64decode(text, validate=True)
        cipher = Cipher(algorithms.AES(key), modes.CBC(key[:16])).decryptor()
        plain = cipher.update(raw) + cipher.finalize()
    except (binascii.Error, ValueError):
        raise SignatureInvalid("the message can't be opened") from None
    pad = plain[-1] if plain else 0
    end = len(plain) - pad
    start = _NOISE + 4
    length = int.from_bytes(plain[_NOISE:start], "big")
    whole = 1 <= pad <= _BLOCK and plain.endswith(bytes([pad]) * pad) and start + length <= end
    if not whole or not hmac.compare_digest(plain[start + length : end], receiver.encode()):
        raise SignatureInvalid("the message can't be opened, or is for another receiver")
    return plain[start : start + length]


def _key(secret: Secret) -> bytes:
    return base64.b64decode(secret[KEY] + "=")


def signed_query(live: Sequence[Secret], delivery: Posted, given: str, signed: Sequence[str], now: datetime) -> Secret:
    """The secret that signed the query's `timestamp`, `nonce` and `signed` as `given` says. Raises SignatureInvalid."""
    timestamp, nonce = delivery.asked("timestamp"), delivery.asked("nonce")
    expected = {
        place: signature(secret[TOKEN], timestamp, nonce, *signed).encode() for place, secret in enumerate(live)
    }
    secret = fitting(live, expected, given.encode("utf-8", "surrogatepass"))
    check_seconds(timestamp, now)
    return secret


def sealed_text(body: bytes) -> str:
    """What stands in `Encrypt` (`encrypt`) of a body in XML or JSON. Raises SignatureInvalid."""
    document = _read(body)
    text = (document.get("Encrypt") or document.get("encrypt")) if isinstance(document, dict) else None
    if not isinstance(text, str):
        raise SignatureInvalid("the body holds no sealed message: set the platform to its safe mode (安全模式)")
    return text


def told_by(message: bytes) -> Told:
    """A message, XML or JSON, as JSON. Raises SignatureInvalid for what is neither."""
    return Told(id_of(message), to_json(_read(message)))


def proven_message(secret: Secret, receiver: str, text: str) -> Proven:
    """What a proven text tells. Raises SignatureInvalid."""
    return Proven((told_by(opened(secret, receiver, text)),), secret)


def _read(body: bytes) -> object:
    try:
        if body.lstrip().startswith(b"<"):
            return read_xml(body)
        found: object = from_json(body, allow_inf_nan=False)
    except NotReadable as error:
        raise SignatureInvalid(str(error)) from None
    except ValueError:
        raise SignatureInvalid("the body is neither JSON nor XML") from None
    return found
