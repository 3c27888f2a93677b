"""The room of customers' coupons: the one way to a new coupon, and what ends one unused."""

from dataclasses import dataclass

from services.coupon.abuse.room import AbuseRoom
from services.coupon.audience.room import AudienceRoom
from services.coupon.settings import CouponSettings
from services.coupon.templates.room import TemplatesRoom
from services.coupon.wallet import repository
from services.coupon.wallet.api import claim_route, router
from services.coupon.wallet.centre import ClaimCentre
from services.coupon.wallet.claiming import Claiming
from services.coupon.wallet.granting import Granting
from services.coupon.wallet.handlers import JourneyRequests
from services.coupon.wallet.issuing import IssueWorker
from services.coupon.wallet.jobs import IssueJobs
from services.coupon.wallet.leasing import Leasing
from services.coupon.wallet.reading import Wallet
from services.coupon.wallet.receiving import Receiving
from services.coupon.wallet.reminding import Reminding
from services.coupon.wallet.sweeper import CouponSweeper
from services.coupon.wallet.voiding import Voiding
from shared.contracts import CouponRequested
from shared.messaging import Subscription
from shared.room import Room
from shared.service import Kit, Loop


@dataclass(eq=False)
class WalletRoom(Room):
    """Offers `granting` (new coupons), `reading` (views of coupons) and `voiding`."""

    first_coupons = staticmethod(repository.first_coupons)
    kit: Kit
    settings: CouponSettings
    templates: TemplatesRoom
    audience: AudienceRoom
    abuse: AbuseRoom

    def __post_init__(self) -> None:
        pause, batch = self.settings.sweep_seconds, self.settings.sweep_batch_size
        leasing = Leasing(self.kit, self.settings.lease_size, self.settings.lease_seconds, self.settings.lease_from)
        self.granting = Granting(
            self.kit, self.settings, self.templates.book, self.audience.knowing, leasing, self.abuse.velocity
        )
        self.reading = Wallet(self.kit, self.templates.book)
        self.voiding = Voiding(self.kit, self.reading)
        claiming = Claiming(self.kit, self.granting, self.abuse.watch, self.settings.group_commit_max)
        worker = IssueWorker(self.kit, self.granting, self.settings.job_chunk_size)
        jobs = IssueJobs(self.kit, worker.wake)

        self.routers = [router]
        self.hot_routes = [claim_route(claiming)]
        self.provides = [
            self.reading,
            self.voiding,
            jobs,
            Receiving(self.kit, jobs),
            ClaimCentre(self.kit, self.granting),
        ]
        requests = JourneyRequests(self.kit, self.granting)
        self.subscriptions = [Subscription("coupon.journeys", (CouponRequested,), requests.on_requested)]
        self.loops = [
            Loop("expire coupons", CouponSweeper(self.kit, batch).sweep, pause),
            Loop("return leases", leasing.return_expired, pause),
            Loop("remind", Reminding(self.kit, batch).remind_due, pause),
            worker.loop,
        ]
        self.resources = [leasing.running, claiming.group.running]
