"""What follows a change of a journey's status: runs end or go on."""

from services.journey.engine import repository
from services.journey.engine.advancing import Advancer
from shared.service import Kit

BATCH = 500


class RunSweeper:
    """One for the engine; any number of processes may run it."""

    def __init__(self, kit: Kit, advancer: Advancer) -> None:
        self._kit = kit
        self._advancer = advancer

    async def sweep(self) -> bool:
        """Ends what a stopped journey has in flight, releases what a pause held."""
        now = self._kit.clock.now()
        async with self._kit.db.read() as tx:
            if not await repository.any_to_sweep(tx, now):
                return False
        async with self._kit.db.write() as tx:
            ended = await repository.hasten_stopped(tx, now, BATCH)
            freed = await repository.release_held(tx, BATCH)
            if ended or freed:
                tx.after_commit(self._advancer.wake.set)
        return max(ended, freed) >= BATCH
