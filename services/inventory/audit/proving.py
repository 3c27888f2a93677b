"""Runs the identities and words the result."""

from datetime import datetime
from typing import Any

from services.inventory.audit.checks import IDENTITIES, Identity
from services.inventory.audit.schemas import AuditView, Check
from shared.db import Database, Transaction

_SHOWN = 20


class StockAudit:
    """`GET /v1/audit/stock`: changes nothing, may run at any time."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def run(self) -> AuditView:
        async with self._db.read() as tx:
            checks = [await _check(tx, identity) for identity in IDENTITIES]
        return AuditView(ok=all(check.ok for check in checks), checks=checks)


async def _check(tx: Transaction, identity: Identity) -> Check:
    rows = (await tx.execute(identity.broken.limit(_SHOWN))).mappings().all()
    offending = [{name: _plain(value) for name, value in row.items()} for row in rows]
    if not offending:
        return Check(name=identity.name, ok=True, detail=identity.claim, offending=[])
    first = ", ".join(f"{name} {value}" for name, value in offending[0].items())
    more = f" and {len(offending) - 1} more rows" if len(offending) > 1 else ""
    return Check(
        name=identity.name, ok=False, detail=f"not so: {identity.claim}. First: {first}{more}", offending=offending
    )


def _plain(value: Any) -> str | int | None:
    """PostgreSQL answers sums of 64-bit numbers as Decimal."""
    if value is None or isinstance(value, str):
        return value
    return value.isoformat() if isinstance(value, datetime) else int(value)
