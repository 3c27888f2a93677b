"""The room of the review queue 审核."""

from services.coupon.abuse.room import AbuseRoom
from services.coupon.review.api import router
from services.coupon.review.cases import Cases
from services.coupon.review.reviewing import Reviewing
from services.coupon.review.scoring import Scoring
from services.coupon.settings import CouponSettings
from services.coupon.wallet.room import WalletRoom
from shared.room import Room
from shared.service import Kit, Loop


class ReviewRoom(Room):
    """Scores what was claimed, and lets a person decide: it takes coupons back by the wallet's `ending`."""

    def __init__(self, kit: Kit, settings: CouponSettings, cases: Cases, abuse: AbuseRoom, wallet: WalletRoom) -> None:
        scoring = Scoring(kit, abuse.guarding, abuse.fingerprints, cases, settings)
        self.routers = [router]
        self.provides = [Reviewing(kit, wallet.ending, abuse.denials)]
        self.loops = [
            Loop("score claims", scoring.work, settings.sweep_seconds),
            Loop("forget sightings", scoring.forget, 3600.0),
        ]
