"""The room of abuse, in two halves: the wallet stands on the guard, and the review stands on the wallet."""

from services.coupon.abuse.api import router
from services.coupon.abuse.book import Watch
from services.coupon.abuse.cases import Cases
from services.coupon.abuse.denying import Denials
from services.coupon.abuse.fingerprints import Fingerprints
from services.coupon.abuse.guarding import Guarding
from services.coupon.abuse.limiting import VelocityRules
from services.coupon.abuse.reviewing import Reviewing
from services.coupon.abuse.scoring import Scoring
from services.coupon.abuse.velocity import Velocity
from services.coupon.settings import CouponSettings
from services.coupon.wallet.ending import Ending
from shared.room import Room
from shared.service import Kit, Loop


class AbuseRoom(Room):
    """Offers the `watch` (deny lists, and where a request comes from), `guarding` (guesses) and `velocity` (counts)."""

    def __init__(self, kit: Kit, settings: CouponSettings) -> None:
        self.fingerprints = Fingerprints(settings.fingerprint_secret)
        self.watch = Watch(kit, self.fingerprints)
        self.cases = Cases(kit)
        self.velocity = Velocity(kit, self.watch, self.cases)
        self.guarding = Guarding(kit, settings, self.fingerprints, self.watch)
        self.denials = Denials(kit, self.watch, self.fingerprints)
        self.provides = [VelocityRules(kit, self.watch), self.denials]
        self.loops = [
            Loop("abuse rules", self.watch.refresh, 1.0),
            Loop("forget guesses", self.guarding.forget, 60.0),
            Loop("forget velocity", self.velocity.forget, 60.0),
        ]
        self.resources = [self.guarding.group.running]


class ReviewRoom(Room):
    """Scores what was claimed, and lets a person decide: it takes coupons back by the wallet's `ending`."""

    def __init__(self, kit: Kit, settings: CouponSettings, abuse: AbuseRoom, ending: Ending) -> None:
        scoring = Scoring(kit, abuse.guarding, abuse.fingerprints, abuse.cases, settings)
        self.routers = [router]
        self.provides = [Reviewing(kit, ending, abuse.denials)]
        self.loops = [
            Loop("score claims", scoring.work, settings.sweep_seconds),
            Loop("forget sightings", scoring.forget, 3600.0),
        ]
