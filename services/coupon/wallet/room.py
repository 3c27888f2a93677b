"""The room of customers' coupons: the one way to a new coupon, and what ends one unused."""

from services.coupon.abuse.room import AbuseRoom
from services.coupon.settings import CouponSettings
from services.coupon.templates.room import TemplatesRoom
from services.coupon.wallet.api import claim_route, router
from services.coupon.wallet.centre import ClaimCentre
from services.coupon.wallet.claiming import Claiming
from services.coupon.wallet.ending import Ending
from services.coupon.wallet.granting import Granting
from services.coupon.wallet.handlers import JourneyRequests
from services.coupon.wallet.issuing import IssueWorker
from services.coupon.wallet.jobs import IssueJobs
from services.coupon.wallet.leasing import Leasing
from services.coupon.wallet.reading import Wallet
from services.coupon.wallet.receiving import Receiving
from services.coupon.wallet.reminding import Reminding
from shared.contracts import CouponRequested
from shared.messaging import Subscription
from shared.room import Room
from shared.service import Kit, Loop


class WalletRoom(Room):
    """Offers `granting` (new coupons), `reading` (views of coupons) and `ending` (void, expiry)."""

    def __init__(self, kit: Kit, settings: CouponSettings, templates: TemplatesRoom, abuse: AbuseRoom) -> None:
        zone, pause, batch = settings.time_zone, settings.sweep_seconds, settings.sweep_batch_size
        leasing = Leasing(kit, settings.lease_size, settings.lease_seconds, settings.lease_from)
        self.granting = Granting(kit, templates.book, leasing, abuse.velocity, zone, settings.remind_days_before)
        self.reading = Wallet(kit, templates.book)
        self.ending = Ending(kit, self.reading, batch)
        claiming = Claiming(kit, self.granting, abuse.watch, settings.group_commit_max)
        worker = IssueWorker(kit, self.granting, settings.job_chunk_size)
        jobs = IssueJobs(kit, worker.wake)

        self.routers = [router]
        self.hot_routes = [claim_route(claiming)]
        self.provides = [self.reading, self.ending, jobs, Receiving(kit, jobs), ClaimCentre(kit, self.granting)]
        requests = JourneyRequests(kit, self.granting)
        self.subscriptions = [Subscription("coupon.journeys", (CouponRequested,), requests.on_requested)]
        self.loops = [
            Loop("expire coupons", self.ending.expire_due, pause),
            Loop("return leases", leasing.return_expired, pause),
            Loop("remind", Reminding(kit, batch).remind_due, pause),
            worker.loop,
        ]
        self.resources = [leasing.running, claiming.group.running]
