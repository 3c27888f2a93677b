"""The room of the audit log."""

from gateway.audit_log.api import router
from gateway.audit_log.chain import Chain
from gateway.audit_log.log import AuditLog
from gateway.settings import GatewaySettings
from shared.loops import Loop
from shared.room import Room
from shared.service import Kit


class AuditLogRoom(Room):
    """Offers `log`: every room that changes something on somebody's behalf writes to it, and the door what was asked of it."""

    def __init__(self, kit: Kit, settings: GatewaySettings) -> None:
        self.log = AuditLog(kit)
        chain = Chain(kit, settings, self.log)
        self.routers = [router]
        self.provides = [self.log, chain]
        self.loops = [
            Loop("chain audit entries", chain.tick),
            Loop("prune audit log", chain.prune, 3600.0, timed=True),
        ]
