"""The room of the review queue 审核."""

from dataclasses import dataclass
from datetime import timedelta

from services.coupon.abuse.room import AbuseRoom
from services.coupon.audience.room import AudienceRoom
from services.coupon.review.api import router
from services.coupon.review.cases import Cases
from services.coupon.review.models import AbuseShare, AbuseSighting
from services.coupon.review.reviewing import Reviewing
from services.coupon.review.scoring import Scoring
from services.coupon.settings import CouponSettings
from services.coupon.templates.room import TemplatesRoom
from services.coupon.wallet.room import WalletRoom
from shared.loops import Loop
from shared.pruning import Pruner
from shared.room import Room
from shared.service import Kit

_SIGHTINGS_KEPT = timedelta(days=30)


@dataclass(eq=False)
class ReviewRoom(Room):
    """Scores what was claimed, and lets a person decide: it takes coupons back by the wallet's `voiding`."""

    kit: Kit
    settings: CouponSettings
    cases: Cases
    templates: TemplatesRoom
    audience: AudienceRoom
    abuse: AbuseRoom
    wallet: WalletRoom

    def __post_init__(self) -> None:
        scoring = Scoring(
            self.kit,
            self.settings,
            self.audience.queries,
            self.abuse.attempts,
            self.abuse.fingerprints,
            self.cases,
        )
        self.routers = [router]
        self.provides = [Reviewing(self.kit, self.wallet.voiding, self.abuse.denials)]
        kept = {AbuseSighting.c.last_at: _SIGHTINGS_KEPT, AbuseShare.c.last_at: _SIGHTINGS_KEPT}
        self.loops = [
            Loop("score claims", scoring.tick, self.settings.sweep_seconds),
            Loop("prune sightings", Pruner(self.kit.db, self.kit.clock, kept).tick, 3600.0, timed=True),
        ]
