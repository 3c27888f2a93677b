"""The signing keys: made once for the installation, shared by its processes through the database, and rotated.

The library of their algorithms takes seven megabytes: a shop without tills never loads it.
"""

import base64
from datetime import timedelta
from typing import TYPE_CHECKING

from services.coupon.redemption import repository
from services.coupon.redemption.models import RedemptionKey
from services.coupon.redemption.rules import Claims, Malformed, base64url, claims_of, signing_input, taken_apart
from services.coupon.redemption.schemas import KeySet, PublicKey
from shared.db import Transaction
from shared.ids import new_id
from shared.seals import Seal
from shared.service import Kit

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey


class Signing:
    """Signs and verifies tokens. Every token names its key; a retired key still proves what it signed."""

    def __init__(self, kit: Kit, secret: str, kept: timedelta) -> None:
        """`secret` seals private keys; `kept`: how long the public key of a retired one is still published."""
        self._kit = kit
        self._seal = Seal(secret, "redemption keys")
        self._kept = kept
        self._private: dict[str, Ed25519PrivateKey] = {}
        self._public: dict[str, Ed25519PublicKey] = {}

    async def sign(self, tx: Transaction, claims: Claims) -> str:
        """The token. Makes the installation's first key when there is none."""
        row = await repository.active_key(tx) or await self._make(tx)
        private = self._opened(row)
        if private is None:  # sealed under another secret: of no use to anybody any more
            await self._retire(tx, row.id)
            row = await self._make(tx)
            private = self._opened(row)
            assert private is not None  # noqa: S101 - sealed just now
        signed = signing_input(claims, row.id)
        return (signed + b"." + base64url(private.sign(signed))).decode()

    async def verify(self, tx: Transaction, token: str) -> Claims | None:
        """What a token of ours says, whether its time is over or not; None for any other text."""
        from cryptography.exceptions import InvalidSignature

        try:
            key_id, signed, signature, payload = taken_apart(token)
            public = await self._known(tx, key_id)
            if public is None:
                return None
            public.verify(signature, signed)
        except (Malformed, InvalidSignature):
            return None
        return claims_of(payload)

    async def rotate(self) -> KeySet:
        """A new key signs from now on. Tills should fetch the key set again within a token's life."""
        async with self._kit.db.write() as tx:
            row = await repository.active_key(tx)
            if row is not None:
                await self._retire(tx, row.id)
            await self._make(tx)
            return await self._set(tx)

    async def key_set(self) -> KeySet:
        """The public keys as a JWK set (RFC 7517): the active one, and those that tokens to be settled were signed with."""
        async with self._kit.db.read() as tx:
            if await repository.active_key(tx) is not None:
                return await self._set(tx)
        async with self._kit.db.write() as tx:
            if await repository.active_key(tx) is None:
                await self._make(tx)
            return await self._set(tx)

    async def _set(self, tx: Transaction) -> KeySet:
        since = self._kit.clock.now() - self._kept
        rows = await repository.published_keys(tx, since)
        return KeySet(keys=[PublicKey(kid=row.id, x=row.public) for row in rows])

    async def _make(self, tx: Transaction) -> RedemptionKey:
        """The active key: a new one, unless another process was faster."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        private = Ed25519PrivateKey.generate()
        key_id = new_id("rky")
        row = {
            "id": key_id,
            "active": True,
            "sealed": self._seal.seal(private.private_bytes_raw(), key_id),
            "public": base64url(private.public_key().public_bytes_raw()).decode(),
            "created_at": self._kit.clock.now(),
            "retired_at": None,
        }
        await repository.insert_key(tx, row)
        found = await repository.active_key(tx)
        assert found is not None  # noqa: S101 - ours, or the one that stood in its way
        return found

    async def _retire(self, tx: Transaction, key_id: str) -> None:
        await repository.retire_key(tx, key_id, self._kit.clock.now())
        self._private.pop(key_id, None)

    def _opened(self, row: RedemptionKey) -> "Ed25519PrivateKey | None":
        """The private key, None when it was sealed under another secret."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        if row.id not in self._private:
            assert row.sealed is not None  # noqa: S101 - the CHECK `retired` lets an active key have it
            raw = self._seal.open(row.sealed, row.id)
            if raw is None:
                self._kit.log.warning("signing key sealed under another secret, a new one is made", key_id=row.id)
                return None
            self._private[row.id] = Ed25519PrivateKey.from_private_bytes(raw)
        return self._private[row.id]

    async def _known(self, tx: Transaction, key_id: str) -> "Ed25519PublicKey | None":
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        if key_id not in self._public:
            public = await repository.find_public_key(tx, key_id)
            if public is None:
                return None
            raw = base64.urlsafe_b64decode(public + "=")
            self._public[key_id] = Ed25519PublicKey.from_public_bytes(raw)
        return self._public[key_id]
