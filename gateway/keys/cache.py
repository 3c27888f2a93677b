"""Who holds a key: every key in force, in memory, so that neither a valid nor an invented key costs a look into the database.

A change made in this process is seen at once; one made by another replica within a second, by a loop that asks which
keys changed (a queue on the bus would reach only one of the replicas). A key that is not known, or not in force, waits for
one such look that begins after it came, so that a key made elsewhere a moment ago works. Looks are shared and paced: however
many keys are invented, they cost a few looks a second, and no memory. What is known is believed for five seconds at most.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from email.utils import format_datetime
from ipaddress import ip_network
from typing import Any, Literal

from gateway.addresses import Network, address_allowed
from gateway.keys import repository
from gateway.keys.models import ApiKey
from gateway.keys.repository import Change, Relation
from gateway.keys.route_names import names
from gateway.keys.rules import Ancestor, buckets, digest, well_formed
from gateway.metrics import KEY_CHECKS, KEY_LOOKUPS
from gateway.own_secret import LONGEST
from gateway.policy import Bucket
from gateway.route import Route
from shared import deadline
from shared.service import Kit
from shared.web import Caller
from shared.web.schemas import rfc3339

MEMORY = timedelta(seconds=5)
_LOOK_AGAIN = timedelta(seconds=1)
_LOOKS_A_SECOND = 20
_HIT, _MISS = KEY_LOOKUPS.labels("hit"), KEY_LOOKUPS.labels("miss")
_OVERLAP = timedelta(seconds=60)
"""Replicas' clocks may differ by less; the identities that they sign allow half of it."""

Refusal = Literal["malformed", "unknown", "revoked", "expired", "address"]


@dataclass(frozen=True, slots=True)
class CachedKey:
    """A key as the hot path needs it. `notice` are headers that tell of a coming end.

    `buckets` are those of all operations; `buckets_of` gives those of one.
    """

    caller: Caller
    networks: tuple[Network, ...]
    buckets: tuple[Bucket, ...]
    expires_at: datetime | None
    revoked_at: datetime | None
    changed_at: datetime
    lineage_id: str
    signing_secrets: list[dict[str, Any]]
    require_signature: bool
    notice: list[tuple[bytes, bytes]] = field(default_factory=list)
    _by_route: dict[tuple[str, str] | None, tuple[Bucket, ...]] = field(init=False, default_factory=dict)

    def buckets_of(self, route: Route | None) -> tuple[Bucket, ...]:
        """Where a call is counted; `route` is None for what is no operation. Remembered: a key calls the same ones again."""
        called = None if route is None else (route.method, route.template)
        found = self._by_route.get(called)
        if found is None:
            found = tuple(one for one in self.buckets if one.route is None or (route and names(one.route, route)))
            self._by_route[called] = found
        return found

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
    return CachedKey(
        caller,
        networks,
        buckets(chain),
        row.expires_at,
        row.revoked_at,
        row.changed_at,
        row.lineage_id,
        row.signing_secrets,
        row.require_signature,
        _notice(row),
    )


def _notice(row: ApiKey) -> list[tuple[bytes, bytes]]:
    if row.successor_id is None or row.rotated_at is None or row.expires_at is None:
        return []
    return [
        (b"deprecation", b"@%d" % int(row.rotated_at.timestamp())),
        (b"sunset", format_datetime(row.expires_at, usegmt=True).encode()),
        (b"x-quanyu-key-expires", rfc3339(row.expires_at).encode()),
    ]


class KeyCache:
    """Answers `authenticate(key, address)`. Holds digests, never keys. Hold `running()` open meanwhile."""

    def __init__(self, kit: Kit) -> None:
        self._db = kit.db
        self._clock = kit.clock
        self._seconds = kit.settings.database_seconds
        self._keys: dict[str, CachedKey] = {}
        self._digests: dict[str, str] = {}
        self._relations: dict[str, Relation] = {}
        self._uses: dict[str, datetime] = {}
        self._fresh_at: datetime | None = None
        self._invalid: set[str] = set()
        self._looking = asyncio.Lock()
        self._next_look: asyncio.Task[None] | None = None
        self._looks: deque[float] = deque(maxlen=_LOOKS_A_SECOND)
        self.wake = asyncio.Event()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Every key is known from the first request on."""
        await self.refresh()
        try:
            yield
        finally:
            if self._next_look is not None:
                self._next_look.cancel()

    async def authenticate(self, key: str, address: str) -> CachedKey | Refusal:
        """Who holds `key`, or why it is refused. The reason is for the log only.

        A key that exists but is not in force takes the time of one that does not exist.
        """
        fingerprint = digest(key) if len(key) <= LONGEST else ""
        # An administrator's own secret need not be well formed; it is known already, or within a second.
        if fingerprint not in self._keys and self._fresh(self._clock.now()) and not well_formed(key):
            return self._refuse("malformed")
        found = await self._resolve(lambda: fingerprint, address)
        if isinstance(found, CachedKey):
            self.note_use(found)
        return found

    async def named(self, key_id: str, address: str) -> CachedKey | Refusal:
        """The key of that id, or why it does not work. Whoever names it holds nothing yet: see `note_use`."""
        return await self._resolve(lambda: self._digests.get(key_id, ""), address)

    def note_use(self, key: CachedKey) -> None:
        """Remember that somebody who holds the key used it."""
        self._uses[key.caller.key_id] = self._clock.now()

    async def _resolve(self, fingerprint: Callable[[], str], address: str) -> CachedKey | Refusal:
        found, now = self._keys.get(fingerprint()), self._clock.now()
        if found is None or not self._fresh(now) or found.refusal(now, address) is not None:
            _MISS.inc()
            await self.refresh()
            found, now = self._keys.get(fingerprint()), self._clock.now()
            refusal = "unknown" if found is None else found.refusal(now, address)
            if found is None or refusal is not None:
                return self._refuse(refusal or "unknown")
        if self._fresh_at is not None and now - self._fresh_at > _LOOK_AGAIN:
            self.wake.set()  # before what is known is too old, so that no request waits for a look
        else:
            _HIT.inc()
        return found

    def lineage_of(self, key_id: str) -> str:
        """The first of the keys that were rotated one into the other; the id itself where it is none of ours."""
        known = self._relations.get(key_id)
        return known.lineage_id if known else key_id

    def invalidate(self, fingerprint: str) -> None:
        """Ask the database again the next time."""
        self._keys.pop(fingerprint, None)
        self._invalid.add(fingerprint)

    async def note_uses(self) -> None:
        """Write down the last uses since the last round (a loop calls this once a minute)."""
        uses, self._uses = self._uses, {}
        if not uses:
            return
        try:
            async with self._db.write() as tx:
                await repository.update_last_uses(tx, uses)
        except BaseException:
            self._uses = uses | self._uses
            raise

    async def refresh(self) -> None:
        """Take up what was changed until now, on whatever replica; a loop calls this when something was written, and every second
        while keys are used.

        All who come before a look begins share it, and each waits for it as long as for a statement of its own.
        Raises TimeoutError.
        """
        if self._next_look is None or self._next_look.done():
            self._next_look = asyncio.create_task(self._look_when_due())
            self._next_look.add_done_callback(lambda done: done.cancelled() or done.exception())
        async with asyncio.timeout(deadline.left(self._seconds)):
            await asyncio.shield(self._next_look)

    async def _look_when_due(self) -> None:
        async with self._looking:
            await asyncio.sleep(self._looks[0] + 1 - time.monotonic() if len(self._looks) == _LOOKS_A_SECOND else 0)
            self._looks.append(time.monotonic())
            self._next_look = None  # who comes from now on may ask for what this look does not see any more
            with deadline.within(self._seconds, anew=True):  # not what is left to whoever came first
                await self._look()

    async def _look(self) -> None:
        now = self._clock.now()
        self._invalid.clear()
        async with self._db.read() as tx:
            if self._fresh_at is None:
                rows = await repository.all_in_force(tx, now)
                self._relations = {one.id: one for one in await repository.all_relations(tx)}
            else:
                changed = await repository.changed_since(tx, min(self._fresh_at, now) - _OVERLAP)
                rows = await repository.with_digests(tx, [one.digest for one in changed if self._is_news(one)])
        self._relate(rows)
        for row in rows:
            if row.digest not in self._invalid:  # else it was changed meanwhile, and this may be what it was before
                self._keys.pop(self._digests.get(row.id, ""), None)
                self._keys[row.digest], self._digests[row.id] = _cached(row, self._chain(row.id)), row.digest
        self._fresh_at = now

    def _relate(self, rows: Sequence[ApiKey]) -> None:
        """Take up who made whom. What was handed over to another maker counts elsewhere from now on, with all below it."""
        moved = False
        for row in rows:
            relation = Relation(row.id, row.maker_id, row.lineage_id, row.kind, row.limits)
            moved |= self._relations.get(row.id, relation) != relation
            self._relations[row.id] = relation
        if moved:
            for fingerprint, key in self._keys.items():
                self._keys[fingerprint] = replace(key, buckets=buckets(self._chain(key.caller.key_id)))

    def _chain(self, key_id: str) -> list[Ancestor]:
        """The key itself, its maker, its maker's maker …"""
        chain: list[Ancestor] = []
        above = self._relations.get(key_id)
        while above is not None:
            chain.append(Ancestor(above.lineage_id, above.kind, above.limits))
            above = self._relations.get(above.maker_id) if above.maker_id else None
        return chain

    def _is_news(self, change: Change) -> bool:
        known = self._keys.get(change.digest)
        return known is None or known.changed_at != change.changed_at

    def _fresh(self, now: datetime) -> bool:
        return self._fresh_at is not None and abs(now - self._fresh_at) < MEMORY

    def _refuse(self, reason: Refusal) -> Refusal:
        KEY_CHECKS.labels(reason).inc()
        return reason
