"""The room of proofs: what must hold over memberships, their log and what is stored of people."""

from dataclasses import dataclass

from services.segments.audit.api import router
from services.segments.audit.proof import Audit
from services.segments.membership.room import MembershipRoom
from services.segments.profiles.room import ProfilesRoom
from shared.room import Room
from shared.service import Kit


@dataclass(eq=False)
class AuditRoom(Room):
    """Offers nothing, and reads the tables of those that it stands on."""

    kit: Kit
    profiles: ProfilesRoom
    membership: MembershipRoom

    def __post_init__(self) -> None:
        self.routers = [router]
        self.provides = [Audit(self.kit, self.membership.cache, self.membership.sweeper)]
