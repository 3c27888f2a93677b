"""The room of the audit log."""

from gateway.audit_log.api import router
from gateway.audit_log.log import AuditLog
from shared.room import Room
from shared.service import Kit


class AuditLogRoom(Room):
    """Offers `log`: every room that changes something on somebody's behalf writes to it."""

    def __init__(self, kit: Kit) -> None:
        self.log = AuditLog(kit)
        self.routers = [router]
        self.provides = [self.log]
