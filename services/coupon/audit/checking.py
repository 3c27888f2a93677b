"""The audit: runs every check and names what it finds."""

from services.coupon.audit.checks import CHECKS
from services.coupon.audit.schemas import AuditView, CheckView
from shared.db import Transaction, planned_for_whole_tables
from shared.service import Kit

_SHOWN = 5


class Audit:
    """Proves the identities of the coupon service."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    async def run(self) -> AuditView:
        async with self._kit.db.read() as tx, planned_for_whole_tables(tx):
            checks = [await self._check(tx, name) for name in CHECKS]
        return AuditView(ok=all(check.ok for check in checks), checks=checks)

    async def _check(self, tx: Transaction, name: str) -> CheckView:
        statement, identity = CHECKS[name]
        rows = (await tx.execute(statement.limit(_SHOWN + 1))).all()
        if not rows:
            return CheckView(name=name, ok=True, detail=f"Holds: {identity}.")
        named = "; ".join(", ".join(str(value) for value in row) for row in rows[:_SHOWN])
        more = " and more" if len(rows) > _SHOWN else ""
        return CheckView(name=name, ok=False, detail=f"Broken: {identity}. Rows: {named}{more}.")
