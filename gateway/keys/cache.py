"""Who holds a key, with a short memory so that the hot path seldom asks the database.

A change made in this process is seen at once; one made by another replica within a second, by a loop that asks which
keys changed (a queue on the bus would reach only one of the replicas). Memory never outlives five seconds anyway.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime
from ipaddress import ip_network
from typing import Literal

from gateway.addresses import Network, address_allowed
from gateway.keys import repository
from gateway.keys.models import ApiKey
from gateway.keys.rules import Ancestor, buckets, digest, well_formed
from gateway.metrics import KEY_CHECKS
from gateway.policy import Bucket
from shared.service import Kit
from shared.web import Caller
from shared.web.schemas import rfc3339

MEMORY = timedelta(seconds=5)
_MOST_KNOWN = 20_000
_MOST_UNKNOWN = 10_000
_OVERLAP = timedelta(seconds=5)

Refusal = Literal["malformed", "unknown", "revoked", "expired", "address"]


@dataclass(frozen=True, slots=True)
class CachedKey:
    """A key as the hot path needs it. `notice` are headers that tell of a coming end."""

    caller: Caller
    networks: tuple[Network, ...]
    buckets: tuple[Bucket, ...]
    expires_at: datetime | None
    revoked_at: datetime | None
    changed_at: datetime
    notice: list[tuple[bytes, bytes]] = field(default_factory=list)

    def refusal(self, now: datetime, address: str) -> Refusal | None:
        """Why the key does not work now, from there; None when it does."""
        if self.revoked_at is not None:
            return "revoked"
        if self.expires_at is not None and now >= self.expires_at:
            return "expired"
        if self.networks and not address_allowed(address, self.networks):
            return "address"
        return None


def _cached(row: ApiKey, chain: Sequence[Ancestor]) -> CachedKey:
    caller = Caller(row.id, row.owner_id, row.kind, tuple(row.scopes), shop_id=row.shop_id)
    networks = tuple(ip_network(text) for text in row.allowed_ips)
    return CachedKey(caller, networks, buckets(chain), row.expires_at, row.revoked_at, row.changed_at, _notice(row))


def _notice(row: ApiKey) -> list[tuple[bytes, bytes]]:
    if row.successor_id is None or row.rotated_at is None or row.expires_at is None:
        return []
    return [
        (b"deprecation", b"@%d" % int(row.rotated_at.timestamp())),
        (b"sunset", format_datetime(row.expires_at, usegmt=True).encode()),
        (b"x-quanyu-key-expires", rfc3339(row.expires_at).encode()),
    ]


class KeyCache:
    """Answers `authenticate(key, address)`. Holds digests, never keys."""

    def __init__(self, kit: Kit) -> None:
        self._db = kit.db
        self._clock = kit.clock
        self._known: OrderedDict[str, tuple[CachedKey, datetime]] = OrderedDict()
        self._unknown: OrderedDict[str, datetime] = OrderedDict()
        self._loading: dict[str, asyncio.Task[CachedKey | None]] = {}
        self._uses: dict[str, datetime] = {}
        self._seen_until: datetime | None = None

    def knows(self, key: str) -> bool:
        """True when `authenticate` finds a key without asking the database."""
        return digest(key) in self._known

    async def authenticate(self, key: str, address: str) -> CachedKey | Refusal:
        """Who holds `key`, or why it is refused. The reason is for the log only."""
        if not well_formed(key):
            return self._refuse("malformed")
        fingerprint, now = digest(key), self._clock.now()
        entry = self._known.get(fingerprint)
        if entry is not None and now < entry[1]:
            found: CachedKey | None = entry[0]
        elif (until := self._unknown.get(fingerprint)) is not None and now < until:
            found = None
        else:
            found = await self._load(fingerprint)
        if found is None:
            return self._refuse("unknown")
        refusal = found.refusal(now, address)
        if refusal is not None:
            return self._refuse(refusal)
        self._uses[found.caller.key_id] = now
        return found

    def invalidate(self, fingerprint: str) -> None:
        """Ask the database again the next time."""
        self._known.pop(fingerprint, None)
        self._unknown.pop(fingerprint, None)
        self._loading.pop(fingerprint, None)

    async def note_uses(self) -> None:
        """Write down the last uses since the last round (a loop calls this once a minute)."""
        uses, self._uses = self._uses, {}
        async with self._db.write() as tx:
            await repository.update_last_uses(tx, uses)

    async def invalidate_changed(self) -> None:
        """Ask again for what other replicas changed (a loop calls this every second)."""
        now = self._clock.now()
        since = (self._seen_until or now - MEMORY) - _OVERLAP
        async with self._db.read() as tx:
            changed = await repository.changed_since(tx, since)
        for row in changed:
            entry = self._known.get(row.digest)
            if entry is None or entry[0].changed_at < row.changed_at:
                self.invalidate(row.digest)
        self._seen_until = now

    def _refuse(self, reason: Refusal) -> Refusal:
        KEY_CHECKS.labels(reason).inc()
        return reason

    async def _load(self, fingerprint: str) -> CachedKey | None:
        task = self._loading.get(fingerprint)
        if task is None:
            task = asyncio.create_task(self._read(fingerprint))
            self._loading[fingerprint] = task
            task.add_done_callback(lambda done: self._loaded(fingerprint, done))
        return await asyncio.shield(task)

    async def _read(self, fingerprint: str) -> CachedKey | None:
        async with self._db.read() as tx:
            row = await repository.find_by_digest(tx, fingerprint)
            return None if row is None else _cached(row, await repository.ancestors(tx, row.id))

    def _loaded(self, fingerprint: str, task: asyncio.Task[CachedKey | None]) -> None:
        if self._loading.get(fingerprint) is not task:
            return  # forgotten while it was loading: what it found may be old
        del self._loading[fingerprint]
        if task.cancelled() or task.exception() is not None:
            return
        found, until = task.result(), self._clock.now() + MEMORY
        if found is None:
            self._unknown[fingerprint] = until
            if len(self._unknown) > _MOST_UNKNOWN:
                self._unknown.popitem(last=False)
        else:
            self._known[fingerprint] = (found, until)
            if len(self._known) > _MOST_KNOWN:
                self._known.popitem(last=False)
