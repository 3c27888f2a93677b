"""The audit of the ledger."""

from services.inventory.audit.checks import CHECKS
from shared.audit import AuditView, run_checks
from shared.db import Database


class StockAudit:
    """`GET /v1/audit/stock`: changes nothing, may run at any time."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def run(self) -> AuditView:
        async with self._db.read() as tx:
            return await run_checks(tx, CHECKS)
