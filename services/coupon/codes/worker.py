"""Makes the codes of batches: in chunks that each are one transaction, so that it goes on exactly wherever it was killed."""

from datetime import datetime

from services.coupon.code_format import new_codes
from services.coupon.codes import repository
from services.coupon.codes.models import CodeBatch
from shared.db import Transaction
from shared.loops import Loop
from shared.service import Kit


class CodeWorker:
    """Works off batches, the oldest first."""

    def __init__(self, kit: Kit, chunk_size: int) -> None:
        self._kit = kit
        self._chunk_size = chunk_size
        self.loop = Loop("make code batches", self.tick, 5.0)

    def wake(self) -> None:
        """There is something to do."""
        self.loop.wake.set()

    async def tick(self) -> bool:
        """Make the next chunk of one batch. True when there was one: more may wait."""
        async with self._kit.db.read() as tx:
            if not await repository.is_waiting(tx):
                return False
        now = self._kit.clock.now()
        async with self._kit.db.write() as tx:
            # The batch's row stays locked until the commit: nobody else works on it, and a crash leaves it as it was.
            batch = await repository.claim(tx, now)
            if batch is not None:
                await self._chunk(tx, batch, now)
        return batch is not None

    async def _chunk(self, tx: Transaction, batch: CodeBatch, now: datetime) -> None:
        made = min(batch.made + self._chunk_size, batch.total)
        missing = list(range(batch.made + 1, made + 1))
        fresh = new_codes(batch.prefix)
        while missing:
            rows = [{"batch_id": batch.id, "number": number, "code": next(fresh)} for number in missing]
            inserted = await repository.insert_codes(tx, rows)
            # A code that existed already was left out: its number gets another one.
            missing = [number for number in missing if number not in inserted]
        status = "done" if made == batch.total else "running"
        await repository.update_batch(tx, batch.id, {"made": made, "status": status, "updated_at": now})
