"""The room of proofs: what must hold over all other rooms' tables."""

from services.coupon.audit.api import router
from services.coupon.audit.checking import Audit
from shared.room import Room
from shared.service import Kit


class AuditRoom(Room):
    """Offers nothing, and stands on tables alone."""

    def __init__(self, kit: Kit) -> None:
        self.routers = [router]
        self.provides = [Audit(kit)]
