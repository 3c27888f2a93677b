"""The chain: each entry's hash covers the one before, so that a cut, a change or another order shows.

Entries get their place in batches, by one writer at a time (the row of the chain's ends is held). Whoever could rewrite the
whole chain is found out by an older hash that lies elsewhere: the log has one every hour, and `verify` takes any.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

from gateway.audit_log import repository
from gateway.audit_log.log import AuditLog
from gateway.audit_log.models import AuditChain, AuditEntry
from gateway.audit_log.rules import NOTHING, entry_hash
from gateway.audit_log.schemas import ChainFault, ChainView
from gateway.settings import GatewaySettings
from shared.service import Kit

_AT_ONCE = 500
_MOST_FAULTS = 20
_FORGOTTEN = timedelta(minutes=10)
_TOLD_EVERY = timedelta(hours=1)


class Chain:
    """`tick` gives entries their place, `verify` looks at all of them, `prune` forgets the oldest."""

    def __init__(self, kit: Kit, settings: GatewaySettings, log: AuditLog) -> None:
        self._db = kit.db
        self._clock = kit.clock
        self._notes = kit.log
        self._log = log
        self._kept = timedelta(days=settings.audit_keep_days)
        self._told_at = kit.clock.now()

    async def tick(self) -> bool | float:
        """One batch. True: more wait; a number: seconds until a call that nobody finished is given up."""
        now = self._clock.now()
        async with self._db.read() as tx:
            waiting, open_since = await repository.first_unchained(tx)
        overdue = open_since is not None and now - open_since > _FORGOTTEN
        if not waiting and not overdue:
            return False if open_since is None else (_FORGOTTEN - (now - open_since)).total_seconds() + 1
        async with self._db.write() as tx:
            if overdue:
                await repository.close_forgotten(tx, now - _FORGOTTEN)
            chain = await repository.lock_chain(tx)
            rows = await repository.unchained(tx, _AT_ONCE)
            seq, last, places = chain.seq, chain.hash, []
            for row in rows:
                seq, previous, last = seq + 1, last, entry_hash(row, seq + 1, last)
                places.append({"entry_id": row.id, "place": seq, "before_it": previous, "own": last})
            if places:
                await repository.update_places(tx, places)
                await repository.update_chain(tx, {"seq": seq, "hash": last})
        self._tell(now, seq, last)
        return len(rows) == _AT_ONCE or overdue

    def _tell(self, now: datetime, seq: int, last: str) -> None:
        """An anchor where the database's owner can't reach it."""
        if now - self._told_at >= _TOLD_EVERY:
            self._told_at = now
            self._notes.info("audit log", seq=seq, hash=last)

    async def verify(self, anchor: tuple[int, str] | None) -> ChainView:
        """Look at every entry. `anchor` is a place and the hash that was there once."""
        async with self._db.read() as tx:
            chain = await repository.find_chain(tx)
        if chain is None:
            return ChainView(ok=True, entries=0, first_seq=1, seq=0, hash=NOTHING, faults=[])
        walk = _Walk(chain, anchor)
        while len(walk.faults) < _MOST_FAULTS:
            async with self._db.read() as tx:
                rows = await repository.chained_after(tx, walk.seq, chain.seq, _AT_ONCE)
            if not rows:
                break
            await asyncio.to_thread(walk.over, rows)
        return walk.result()

    async def prune(self) -> bool:
        """Forget a batch of what is older than is kept; the chain begins after it from then on. True: more may wait."""
        before = self._clock.now() - self._kept
        async with self._db.read() as tx:
            if await repository.oldest_beyond(tx, before, 1) is None:
                return False
        async with self._db.write() as tx:
            await repository.lock_chain(tx)
            last = await repository.oldest_beyond(tx, before, _AT_ONCE)
            if last is None:
                return False
            gone = await repository.delete_until(tx, last.seq)
            await repository.update_chain(tx, {"base_seq": last.seq, "base_hash": last.hash})
            await self._log.record(
                tx, None, "audit_log.prune", "audit_log", entries=gone, until_seq=last.seq, hash=last.hash
            )
        return gone == _AT_ONCE


class _Walk:
    """Along the chain, from its beginning: what is wrong, and where."""

    def __init__(self, chain: AuditChain, anchor: tuple[int, str] | None) -> None:
        self._chain = chain
        self._anchor = anchor
        self.seq, self._hash, self._entries = chain.base_seq, chain.base_hash, 0
        self.faults: list[ChainFault] = []

    def over(self, rows: Sequence[AuditEntry]) -> None:
        for row in rows:
            seq, hashed = row.seq or 0, row.hash or ""
            if seq != self.seq + 1:
                self._fault("missing", self.seq + 1, f"{seq - self.seq - 1} entries are gone from here on")
            elif row.previous != self._hash:
                self._fault("changed", seq, "it does not follow the entry before it")
            if entry_hash(row, seq, row.previous or "") != hashed:
                self._fault("changed", seq, f"entry {row.id} is not what was written")
            if self._anchor is not None and self._anchor[0] == seq and self._anchor[1] != hashed:
                self._fault("rewritten", seq, "another hash was here once")
            self.seq, self._hash = seq, hashed
            self._entries += 1

    def result(self) -> ChainView:
        """What the walk found, the end of the chain included."""
        chain = self._chain
        if len(self.faults) < _MOST_FAULTS and (self.seq, self._hash) != (chain.seq, chain.hash):
            self._fault("missing", self.seq + 1, f"the chain went on to {chain.seq}")
        if self._anchor is not None and not chain.base_seq < self._anchor[0] <= chain.seq:
            self._fault("rewritten", self._anchor[0], "there is no such place: forgotten, or cut off")
        return ChainView(
            ok=not self.faults,
            entries=self._entries,
            first_seq=chain.base_seq + 1,
            seq=chain.seq,
            hash=chain.hash,
            faults=self.faults[:_MOST_FAULTS],
        )

    def _fault(self, kind: str, seq: int, detail: str) -> None:
        self.faults.append(ChainFault.model_validate({"kind": kind, "seq": seq, "detail": detail}))
