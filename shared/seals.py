"""Secrets that the suite must read again lie sealed in its databases: AES-256-GCM under a key made of the installation's secret.

What only has to be recognised (keys, passwords, codes) is hashed instead.
"""

import hashlib
import os
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE = 12


class Seal:
    """`Seal(secret, "redemption keys")`: each purpose has a key of its own, so that nothing sealed for one opens for another."""

    def __init__(self, secret: str, purpose: str) -> None:
        self._key = hashlib.sha256(f"{purpose}:{secret}".encode()).digest()

    @cached_property
    def _cipher(self) -> "AESGCM":
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # seven megabytes, for who has something to seal

        return AESGCM(self._key)

    def seal(self, plain: bytes, about: str) -> bytes:
        """`about` is the id of the row it stands in: it opens there and nowhere else."""
        nonce = os.urandom(_NONCE)
        return nonce + self._cipher.encrypt(nonce, plain, about.encode())

    def open(self, sealed: bytes, about: str) -> bytes | None:
        """What was sealed; None when that was under another secret, or about another row."""
        from cryptography.exceptions import InvalidTag

        try:
            return self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], about.encode())
        except InvalidTag:
            return None
