"""Addresses and devices as keyed hashes: they can be compared and counted, and not read."""

import hashlib
import hmac

from services.coupon.wishes import Origin
from shared.web import Client, bucket_of


class Fingerprints:
    """Hashes under a key of the installation: whoever reads the database can't try all addresses."""

    def __init__(self, secret: str) -> None:
        self._key = hashlib.sha256(b"fingerprints:" + secret.encode()).digest()

    def of(self, subject: str, value: str) -> str:
        """32 hexadecimal characters for a value of that kind; an address counts as its household (IPv6 /64)."""
        if subject in ("address", "server"):
            value = bucket_of(value)
        return hmac.digest(self._key, f"{subject}:{value}".encode(), "sha256").hex()[:32]

    def origin(self, client: Client) -> Origin:
        """What is kept of the client. A server's address says nothing about a shopper, so it is left out."""
        known = client.address is not None and not client.server
        return Origin(
            address=self.of("address", client.address) if known and client.address else None,
            device=self.of("device", client.device) if client.device else None,
        )
