"""The audit of the ledger."""

from services.inventory.audit.checks import CHECKS
from shared.audit import AuditView, run_checks
from shared.service import Kit
from shared.web.lanes import OneRun


class StockAudit:
    """`GET /v1/audit/stock`: changes nothing, may run at any time."""

    def __init__(self, kit: Kit) -> None:
        self._db = kit.db
        self._once = OneRun(self._prove)

    async def run(self) -> AuditView:
        """Every check, with the rows that break it. Who asks at the same time gets the same answer."""
        return await self._once.result()

    async def _prove(self) -> AuditView:
        async with self._db.read() as tx:
            return await run_checks(tx, CHECKS)
