"""The room of customers' coupons: the one way to a new coupon, and what ends one unused."""

from dataclasses import dataclass

from services.coupon.abuse.room import AbuseRoom
from services.coupon.audience.room import AudienceRoom
from services.coupon.settings import CouponSettings
from services.coupon.templates.room import TemplatesRoom
from services.coupon.wallet import repository
from services.coupon.wallet.admission import Admission
from services.coupon.wallet.api import claim_route, router
from services.coupon.wallet.centre import ClaimCentre
from services.coupon.wallet.claiming import Claiming
from services.coupon.wallet.granting import Granting
from services.coupon.wallet.handlers import JourneyRequests
from services.coupon.wallet.issuing import IssueJobs
from services.coupon.wallet.leasing import Leasing
from services.coupon.wallet.outlook import Outlooks
from services.coupon.wallet.queries import Wallet
from services.coupon.wallet.reminding import Reminding
from services.coupon.wallet.sweeper import CouponSweeper
from services.coupon.wallet.upload import ListUpload
from services.coupon.wallet.voiding import Voiding
from services.coupon.wallet.worker import IssueWorker
from shared.contracts import CouponRequested
from shared.loops import Loop
from shared.messaging import Subscription
from shared.room import Room
from shared.service import Kit


@dataclass(eq=False)
class WalletRoom(Room):
    """Offers `granting` (new coupons), `outlooks` (what it would answer), `queries` (views of coupons) and `voiding`.

    `first_coupons` tells since when somebody is a customer, where nobody else does.
    """

    first_coupons = staticmethod(repository.first_coupons)
    kit: Kit
    settings: CouponSettings
    templates: TemplatesRoom
    audience: AudienceRoom
    abuse: AbuseRoom

    def __post_init__(self) -> None:
        pause, batch = self.settings.sweep_seconds, self.settings.sweep_batch_size
        leasing = Leasing(self.kit, self.settings.lease_size, self.settings.lease_seconds, self.settings.lease_from)
        admission = Admission(self.settings, self.templates.cache, self.audience.queries)
        self.granting = Granting(self.kit, admission, leasing, self.abuse.velocity)
        self.outlooks = Outlooks(self.kit, admission)
        self.queries = Wallet(self.kit, self.templates.cache)
        self.voiding = Voiding(self.kit, self.queries)
        claiming = Claiming(self.kit, self.granting, self.abuse.controls, self.settings.group_commit_max)
        worker = IssueWorker(self.kit, self.granting, self.settings.job_chunk_size)
        jobs = IssueJobs(self.kit, worker.wake)

        self.routers = [router]
        self.hot_routes = [claim_route(claiming)]
        self.provides = [
            self.queries,
            self.voiding,
            jobs,
            ListUpload(self.kit, jobs),
            ClaimCentre(self.kit, self.outlooks),
        ]
        requests = JourneyRequests(self.kit, self.granting)
        self.subscriptions = [Subscription("coupon.journeys", (CouponRequested,), requests.on_requested)]
        self.loops = [
            Loop("expire coupons", CouponSweeper(self.kit, batch).sweep, pause),
            Loop("return leases", leasing.sweep, pause),
            Loop("remind customers", Reminding(self.kit, batch).tick, pause),
            worker.loop,
        ]
        self.resources = [leasing.running, claiming.group.running]
