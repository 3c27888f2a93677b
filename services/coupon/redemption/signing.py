"""The signing keys: made once for the installation, shared by its processes through the database, and rotated."""

import base64
import hashlib
import os
from datetime import timedelta
from typing import Any

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Row, or_, select, update

from services.coupon.redemption.models import RedemptionKey
from services.coupon.redemption.rules import Claims, Malformed, base64url, claims_of, signing_input, taken_apart
from services.coupon.redemption.schemas import KeySet, PublicKey
from shared.db import Transaction, insert_ignore
from shared.ids import new_id
from shared.service import Kit

_NONCE = 12


class Signing:
    """Signs and verifies tokens. Every token names its key; a retired key still proves what it signed."""

    def __init__(self, kit: Kit, secret: str, kept: timedelta) -> None:
        """`secret` seals private keys; `kept`: how long the public key of a retired one is still published."""
        self._kit = kit
        self._seal = AESGCM(hashlib.sha256(b"redemption keys:" + secret.encode()).digest())
        self._kept = kept
        self._private: dict[str, Ed25519PrivateKey] = {}
        self._public: dict[str, Ed25519PublicKey] = {}

    async def sign(self, tx: Transaction, claims: Claims) -> str:
        """The token. Makes the installation's first key when there is none."""
        row = await self._active(tx) or await self._make(tx)
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
            row = await self._active(tx)
            if row is not None:
                await self._retire(tx, row.id)
            await self._make(tx)
            return await self._set(tx)

    async def key_set(self) -> KeySet:
        """The public keys as a JWK set (RFC 7517): the active one, and those that tokens to be settled were signed with."""
        async with self._kit.db.read() as tx:
            if await self._active(tx) is not None:
                return await self._set(tx)
        async with self._kit.db.write() as tx:
            if await self._active(tx) is None:
                await self._make(tx)
            return await self._set(tx)

    async def _set(self, tx: Transaction) -> KeySet:
        since = self._kit.clock.now() - self._kept
        chosen = (
            select(RedemptionKey.table)
            .where(or_(RedemptionKey.c.retired_at.is_(None), RedemptionKey.c.retired_at > since))
            .order_by(RedemptionKey.c.id.desc())
        )
        rows = (await tx.execute(chosen)).all()
        return KeySet(keys=[PublicKey(kid=row.id, x=row.public) for row in rows])

    async def _active(self, tx: Transaction) -> Row[Any] | None:
        return (await tx.execute(select(RedemptionKey.table).where(RedemptionKey.c.retired_at.is_(None)))).one_or_none()

    async def _make(self, tx: Transaction) -> Row[Any]:
        """The active key: a new one, unless another process was faster."""
        private = Ed25519PrivateKey.generate()
        key_id, nonce = new_id("rky"), os.urandom(_NONCE)
        row = {
            "id": key_id,
            "active": True,
            "sealed": nonce + self._seal.encrypt(nonce, private.private_bytes_raw(), key_id.encode()),
            "public": base64url(private.public_key().public_bytes_raw()).decode(),
            "created_at": self._kit.clock.now(),
            "retired_at": None,
        }
        await insert_ignore(tx, RedemptionKey.table, [row])
        found = await self._active(tx)
        assert found is not None  # noqa: S101 - ours, or the one that stood in its way
        return found

    async def _retire(self, tx: Transaction, key_id: str) -> None:
        chosen = update(RedemptionKey.table).where(RedemptionKey.c.id == key_id, RedemptionKey.c.retired_at.is_(None))
        await tx.execute(chosen.values(retired_at=self._kit.clock.now(), sealed=None))
        self._private.pop(key_id, None)

    def _opened(self, row: Row[Any]) -> Ed25519PrivateKey | None:
        """The private key, None when it was sealed under another secret."""
        if row.id not in self._private:
            try:
                raw = self._seal.decrypt(row.sealed[:_NONCE], row.sealed[_NONCE:], row.id.encode())
            except InvalidTag:
                self._kit.log.warning("signing key sealed under another secret, a new one is made", key_id=row.id)
                return None
            self._private[row.id] = Ed25519PrivateKey.from_private_bytes(raw)
        return self._private[row.id]

    async def _known(self, tx: Transaction, key_id: str) -> Ed25519PublicKey | None:
        if key_id not in self._public:
            public = await tx.scalar(select(RedemptionKey.c.public).where(RedemptionKey.c.id == key_id))
            if public is None:
                return None
            raw = base64.urlsafe_b64decode(public + "=")
            self._public[key_id] = Ed25519PublicKey.from_public_bytes(raw)
        return self._public[key_id]
