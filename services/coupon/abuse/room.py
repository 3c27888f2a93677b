"""The room of the guard: who is kept out, and how often is too often."""

from dataclasses import dataclass
from datetime import timedelta

from services.coupon.abuse.api import router
from services.coupon.abuse.book import Watch
from services.coupon.abuse.denying import Denials
from services.coupon.abuse.fingerprints import Fingerprints
from services.coupon.abuse.guarding import KEPT, Guarding
from services.coupon.abuse.limiting import VelocityRules
from services.coupon.abuse.models import AbuseFailure, VelocityLog
from services.coupon.abuse.velocity import Report, Velocity
from services.coupon.settings import CouponSettings
from shared.pruning import Pruner
from shared.room import Room
from shared.service import Kit, Loop


@dataclass(eq=False)
class AbuseRoom(Room):
    """Offers the `watch` (deny lists, and where a request comes from), `guarding` (guesses) and `velocity` (counts)."""

    kit: Kit
    settings: CouponSettings
    report: Report

    def __post_init__(self) -> None:
        self.fingerprints = Fingerprints(self.settings.fingerprint_secret)
        self.watch = Watch(self.kit, self.fingerprints)
        self.velocity = Velocity(self.kit, self.watch, self.report)
        self.guarding = Guarding(self.kit, self.settings, self.fingerprints, self.watch)
        self.denials = Denials(self.kit, self.watch, self.fingerprints)
        self.routers = [router]
        self.provides = [VelocityRules(self.kit, self.watch), self.denials]
        over = {AbuseFailure.c.until: KEPT, VelocityLog.c.expires_at: timedelta()}
        self.loops = [
            Loop("abuse rules", self.watch.refresh, 1.0),
            Loop("forget guesses", Pruner(self.kit.db, self.kit.clock, over).tick, 60.0),
        ]
        self.resources = [self.guarding.group.running]
