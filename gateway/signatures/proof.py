"""Who signed a call. The signature is proven before its nonce is remembered: nobody else can use up a partner's nonces."""

from collections.abc import Sequence

from gateway.keys.cache import CachedKey, KeyCache
from gateway.keys.signing_secrets import SigningSeal
from gateway.signatures import repository, rules
from gateway.signatures.rules import RequestTarget, Signed
from shared.service import Kit
from shared.web import Unauthorized

MOST_SIGNED = 8 << 20
"""Bytes of a signed body: it is held until it is proven, and nothing of it goes on before."""


class Signatures:
    """`read` what the headers say, `find` the key, `prove` the body, then `use_up` the nonce. Each raises Unauthorized."""

    def __init__(self, kit: Kit, keys: KeyCache) -> None:
        self._db = kit.db
        self._clock = kit.clock
        self._keys = keys
        self._seal = SigningSeal(kit)

    def read(self, headers: Sequence[tuple[bytes, bytes]]) -> Signed:
        """What the headers say, if it was said a moment ago."""
        try:
            signed = rules.read(headers)
        except ValueError as fault:
            raise Unauthorized("signature_malformed", f"The signature can't be read: {fault}.") from None
        if not signed.in_time(self._clock.now()):
            skew = rules.SKEW_SECONDS
            detail = (
                f"X-Quanyu-Timestamp lies more than {skew} s from our clock. Sign again; see that your clock is right."
            )
            raise Unauthorized("signature_expired", detail)
        return signed

    async def find(self, signed: Signed, address: str) -> CachedKey | None:
        """The key that the headers name; None when there is none that works. Asked before a byte of the body is read."""
        key = await self._keys.named(signed.key_id, address)
        return key if isinstance(key, CachedKey) and key.signing_secrets else None

    def prove(self, key: CachedKey, signed: Signed, target: RequestTarget, body: bytes) -> bool:
        """True when it is a call of that key."""
        secrets = self._seal.live(key.signing_secrets, key.lineage_id, self._clock.now())
        if not rules.proven(secrets, signed, target, body):
            return False
        self._keys.note_use(key)
        return True

    async def use_up(self, key: CachedKey, signed: Signed) -> None:
        """Let the call have its effect once. Raises Unauthorized for a nonce that was used."""
        async with self._db.write() as tx:
            fresh = await repository.use_nonce(tx, key.lineage_id, signed.nonce, self._clock.now())
        if not fresh:
            detail = "This nonce was used before. Sign each call with a new one, also when you send it again."
            raise Unauthorized("nonce_reused", detail)
