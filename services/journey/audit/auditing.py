"""The stuck-run auditor: proves the identities on demand and names what breaks them."""

from datetime import timedelta

from pydantic_core import to_jsonable_python

from services.journey.audit.checks import Check, checks
from services.journey.audit.schemas import AuditCheck, AuditView
from services.journey.settings import JourneySettings
from shared.db import Transaction
from shared.service import Kit

SHOWN = 5


class Auditor:
    """Reads only."""

    def __init__(self, kit: Kit, settings: JourneySettings) -> None:
        self._kit = kit
        self._settings = settings

    async def audit(self) -> AuditView:
        """Every check, with a few examples of what breaks it."""
        now = self._kit.clock.now()
        late = now - timedelta(seconds=self._settings.audit_grace_seconds)
        async with self._kit.db.read() as tx:
            done = [await _run(tx, check) for check in checks(now, late)]
        return AuditView(ok=all(check.ok for check in done), checks=done)


async def _run(tx: Transaction, check: Check) -> AuditCheck:
    rows = (await tx.execute(check.broken.limit(SHOWN + 1))).mappings().all()
    if not rows:
        return AuditCheck(name=check.name, ok=True, detail=check.holds)
    more = "more than " if len(rows) > SHOWN else ""
    examples = [to_jsonable_python(dict(row)) for row in rows[:SHOWN]]
    detail = f"Broken by {more}{len(examples)} rows. It must hold: {check.holds}"
    return AuditCheck(name=check.name, ok=False, detail=detail, examples=examples)
