"""The room of what is counted and refused before a coupon is given."""

from dataclasses import dataclass
from datetime import timedelta

from services.coupon.abuse.api import router
from services.coupon.abuse.attempts import KEPT, AttemptLimiter
from services.coupon.abuse.cache import ControlsCache
from services.coupon.abuse.denials import Denials
from services.coupon.abuse.fingerprints import Fingerprints
from services.coupon.abuse.models import AbuseFailure, VelocityLog
from services.coupon.abuse.velocity import Report, Velocity
from services.coupon.abuse.velocity_rules import VelocityRules
from services.coupon.settings import CouponSettings
from shared.loops import Loop
from shared.pruning import Pruner
from shared.roles import Role
from shared.room import Room
from shared.service import Kit


@dataclass(eq=False)
class AbuseRoom(Room):
    """Offers `controls` (deny lists, and where a request comes from), `attempts` (guesses) and `velocity` (counts).

    `denials` puts somebody on a deny list; `fingerprints` are the hashes under which all is counted.
    """

    kit: Kit
    settings: CouponSettings
    report: Report

    def __post_init__(self) -> None:
        self.fingerprints = Fingerprints(self.settings.fingerprint_secret)
        self.controls = ControlsCache(self.kit, self.fingerprints)
        self.velocity = Velocity(self.kit, self.controls, self.report)
        self.attempts = AttemptLimiter(self.kit, self.settings, self.fingerprints, self.controls)
        self.denials = Denials(self.kit, self.controls, self.fingerprints)
        self.routers = [router]
        self.provides = [VelocityRules(self.kit, self.controls), self.denials]
        kept = {AbuseFailure.c.until: KEPT, VelocityLog.c.expires_at: timedelta()}
        self.loops = [
            Loop("refresh abuse rules", self.controls.refresh, 1.0, role=Role.ALL),
            Loop("prune guesses", Pruner(self.kit.db, self.kit.clock, kept).tick, 60.0, timed=True),
        ]
        self.resources = [self.attempts.group.running]
