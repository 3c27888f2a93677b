"""Proves the identities of the service on demand, and names what breaks them: runs that are stuck first of all."""

from datetime import timedelta

from services.journey.audit.checks import checks
from services.journey.settings import JourneySettings
from shared.audit import AuditView, run_checks
from shared.service import Kit
from shared.web.lanes import OneRun


class Audit:
    """Reads only."""

    def __init__(self, kit: Kit, settings: JourneySettings) -> None:
        self._kit = kit
        self._settings = settings
        self._once = OneRun(self._prove)

    async def read(self) -> AuditView:
        """Every check, with examples of what breaks it. Who asks at the same time gets the same answer."""
        return await self._once.result()

    async def _prove(self) -> AuditView:
        now = self._kit.clock.now()
        late = now - timedelta(seconds=self._settings.audit_grace_seconds)
        async with self._kit.db.read() as tx:
            return await run_checks(tx, checks(now, late))
