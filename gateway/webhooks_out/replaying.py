"""Carrier a window of deliveries again: what failed, what was held while the endpoint was disabled, or everything."""

from gateway.audit_log.log import AuditLog
from gateway.webhooks_out import repository
from gateway.webhooks_out.handlers import Fanout
from gateway.webhooks_out.problems import endpoint_found, must_be_enabled
from gateway.webhooks_out.repository import Window
from gateway.webhooks_out.schemas import ReplayIn, ReplayView
from shared.service import Kit
from shared.web import Caller, invalid

_AT_ONCE = 500
_MOST = 10_000
_STATUSES = {
    "failed": ("failed",),
    "held": ("held",),
    "undelivered": ("failed", "held"),
    "all": ("failed", "held", "delivered"),
}


class Replaying:
    """The use case. A delivery keeps its id, and one window does not take it twice: so a call may be repeated."""

    def __init__(self, kit: Kit, fanout: Fanout, log: AuditLog) -> None:
        self._db = kit.db
        self._clock = kit.clock
        self._fanout = fanout
        self._log = log

    async def replay(self, caller: Caller, endpoint_id: str, wanted: ReplayIn) -> ReplayView:
        """Make the window's deliveries due, the oldest first, in short transactions. Raises NotFound, Conflict."""
        now = self._clock.now()
        until = min(wanted.until or now, now)
        if wanted.since > until:
            raise invalid("#/since", "window_empty", "since must lie before until, and not in the future.")
        window = Window(endpoint_id, wanted.since, until, wanted.until is None, _STATUSES[wanted.status])
        count, more = 0, True
        while more and count < _MOST:
            size = min(_AT_ONCE, _MOST - count)
            async with self._db.write() as tx:
                must_be_enabled(endpoint_found(await repository.find_endpoint(tx, endpoint_id, caller)))
                made = await repository.replay_some(tx, window, now, size)
                count, more = count + made, made == size
                if not more or count == _MOST:
                    await self._log.record(
                        tx, caller, "webhook_endpoint.replay", endpoint_id, status=wanted.status, count=count
                    )
                tx.after_commit(self._fanout.wake)
        return ReplayView(
            endpoint_id=endpoint_id,
            since=wanted.since,
            until=until,
            status=wanted.status,
            count=count,
            more=more,
        )
