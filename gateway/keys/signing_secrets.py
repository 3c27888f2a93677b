"""The secrets with which partners sign their calls 签名密钥: made, sealed, rotated with an overlap, shown once.

They are no keys: of a key only a digest is stored, and to check a signature its secret must be read again.
"""

import base64
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from gateway import rotation
from gateway.audit_log.log import AuditLog
from gateway.keys import repository
from gateway.keys.cache import KeyCache
from gateway.keys.management import Keys, must_exist, shown
from gateway.keys.schemas import NewSigningSecretView, SigningSecretIn
from shared.seals import Seal
from shared.service import Kit
from shared.web import Caller, Conflict, Forbidden

_PREFIX = "qysec_"


class SigningSeal:
    """Seals and opens the secrets of a lineage of keys."""

    def __init__(self, kit: Kit) -> None:
        self._seal = Seal(kit.secret, "signing secrets")
        self._notes = kit.log

    def sealed(self, secret: str, lineage_id: str) -> str:
        """What is stored of a secret."""
        return base64.b64encode(self._seal.seal(secret.encode(), lineage_id)).decode()

    def live(self, stored: Sequence[dict[str, Any]], lineage_id: str, now: datetime) -> list[str]:
        """The secrets in force."""
        opened = [self._seal.open(base64.b64decode(one), lineage_id) for one in rotation.live(stored, now)]
        if None in opened:
            self._notes.warning(
                "a signing secret was sealed under another QUANYU_INTERNAL_SECRET; rotate it", id=lineage_id
            )
        return [one.decode() for one in opened if one is not None]


class SigningSecrets:
    """The use cases of signing secrets. Every change is audited."""

    def __init__(self, kit: Kit, keys: Keys, cache: KeyCache, log: AuditLog) -> None:
        self._db = kit.db
        self._clock = kit.clock
        self._keys = keys
        self._cache = cache
        self._log = log
        self._seal = SigningSeal(kit)

    async def rotate(self, caller: Caller, key_id: str, wanted: SigningSecretIn) -> NewSigningSecretView:
        """A key's first signing secret, or its next one. Raises Conflict for a publishable key or one that ended."""
        now, secret = self._clock.now(), _PREFIX + secrets.token_urlsafe(32)
        async with self._db.write() as tx:
            key = await self._keys.changeable(tx, caller, key_id)
            if key.kind == "publishable":
                detail = "A publishable key is in everybody's hands: it has no secret to sign with."
                raise Conflict("not_signing", detail)
            lineage = await repository.lock_lineage(tx, key.lineage_id)
            held = next(one for one in lineage if one.id == key_id)
            if held.revoked_at is not None or (held.expires_at is not None and held.expires_at <= now):
                raise Conflict("key_not_active", "This key is revoked or expired. Use its successor, or a new one.")
            required = held.require_signature if wanted.require_signature is None else wanted.require_signature
            if held.require_signature and not required and not caller.sees_all:
                raise Forbidden("kind_not_allowed", "Only a secret key can let a key work without a signature again.")
            sealed = self._seal.sealed(secret, held.lineage_id)
            overlap = timedelta(seconds=wanted.overlap_seconds)
            values = {
                "signing_secrets": rotation.rotated(held.signing_secrets, sealed, now, overlap),
                "require_signature": required,
                "changed_at": now,
            }
            await repository.update_lineage(tx, held.lineage_id, values)
            await self._log.record(
                tx, caller, "key.rotate_signing_secret", key_id, held.owner_id, require_signature=required
            )
            changed = must_exist(await repository.find(tx, key_id))
            for one in lineage:
                tx.after_commit(partial(self._cache.invalidate, one.digest))
        return NewSigningSecretView(**shown(changed, now), signing_secret=secret)
