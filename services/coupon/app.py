"""The coupon service, put together: this file is its diagram."""

from datetime import timedelta

from services.coupon.abuse import api as abuse_api
from services.coupon.abuse.book import Watch
from services.coupon.abuse.cases import Cases
from services.coupon.abuse.denying import Denials
from services.coupon.abuse.fingerprints import Fingerprints
from services.coupon.abuse.guarding import Guarding
from services.coupon.abuse.limiting import VelocityRules
from services.coupon.abuse.reviewing import Reviewing
from services.coupon.abuse.scoring import Scoring
from services.coupon.abuse.velocity import Velocity
from services.coupon.audience.handlers import on_membership, on_tracked
from services.coupon.audit import api as audit_api
from services.coupon.audit.checking import Audit
from services.coupon.base import Base
from services.coupon.cash_back import api as cash_back_api
from services.coupon.cash_back.completing import Completing
from services.coupon.cash_back.cutting import Cutting
from services.coupon.cash_back.viewing import CashBacks
from services.coupon.checkout import api as checkout_api
from services.coupon.checkout.locking import Locking
from services.coupon.checkout.releasing import Releasing
from services.coupon.checkout.relocking import Relocking
from services.coupon.checkout.settling import Settling
from services.coupon.checkout.spending import Spending
from services.coupon.checkout.viewing import Checkouts
from services.coupon.codes import api as codes_api
from services.coupon.codes.downloading import Downloads
from services.coupon.codes.making import CodeBatches
from services.coupon.codes.publishing import PublicCodes
from services.coupon.codes.redeeming import Redeeming
from services.coupon.codes.resolving import Codes
from services.coupon.draws import api as draws_api
from services.coupon.draws.drawing import Drawing
from services.coupon.draws.managing import Draws
from services.coupon.draws.proving import Proving
from services.coupon.orders import api as orders_api
from services.coupon.orders.handlers import CONSUMER, OrderMessages
from services.coupon.orders.viewing import OrderMessageLog
from services.coupon.packs import api as packs_api
from services.coupon.packs.giving import PackGiving
from services.coupon.packs.managing import Packs
from services.coupon.pricing import api as pricing_api
from services.coupon.pricing.previewing import Previewing
from services.coupon.pricing.quoting import Quoting
from services.coupon.promotions import api as promotions_api
from services.coupon.promotions.managing import Promotions
from services.coupon.redemption import api as redemption_api
from services.coupon.redemption.booking import Booking
from services.coupon.redemption.pricing import StorePricing
from services.coupon.redemption.reading import Redemptions
from services.coupon.redemption.redeeming import StoreRedeeming
from services.coupon.redemption.reversing import Reversing
from services.coupon.redemption.settling import OfflineSettling
from services.coupon.redemption.showing import Showing
from services.coupon.redemption.signing import Signing
from services.coupon.refunds import api as refunds_api
from services.coupon.refunds.refunding import Refunding
from services.coupon.refunds.returning import Returning
from services.coupon.refunds.viewing import Refunds
from services.coupon.scanning import api as scanning_api
from services.coupon.scanning.redeeming import Scanning
from services.coupon.scanning.showing import ClaimCodes
from services.coupon.settings import CouponSettings
from services.coupon.sharing import api as sharing_api
from services.coupon.sharing.helping import Sharing
from services.coupon.sharing.offering import ShareOffers
from services.coupon.templates import api as templates_api
from services.coupon.templates.managing import Templates
from services.coupon.templates.repository import TermsBook
from services.coupon.wallet import api as wallet_api
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
from shared.clock import Clock
from shared.contracts import (
    CouponRequested,
    EventsTracked,
    OrderCancelled,
    OrderCompleted,
    OrderPaid,
    OrderRefunded,
    ProfileCreated,
    SegmentEntered,
    SegmentExited,
)
from shared.messaging import Bus, Subscription
from shared.service import Kit, Loop, Service
from shared.web import create_app

DESCRIPTION = "Offers, coupons in wallets, prices of carts, checkouts that hold coupons."


def create_service(settings: CouponSettings, bus: Bus, clock: Clock) -> Service:
    """The whole service on the given bus and clock. Opens nothing before it runs."""
    kit = Kit.create("coupon", settings, bus, clock, base=Base, migrations="services.coupon.migrations")
    book = TermsBook()
    fingerprints = Fingerprints(settings.fingerprint_secret)

    watch = Watch(kit, fingerprints)
    cases = Cases(kit)
    velocity = Velocity(kit, watch, cases)
    guarding = Guarding(kit, settings, fingerprints, watch)

    leasing = Leasing(kit, settings.lease_size, settings.lease_seconds)
    granting = Granting(kit, book, leasing, velocity, settings.time_zone, settings.remind_days_before)
    claiming = Claiming(kit, granting, watch, settings.group_commit_max)
    worker = IssueWorker(kit, granting, settings.job_chunk_size)
    jobs = IssueJobs(kit, worker.wake)
    journeys = JourneyRequests(kit, granting)
    wallet = Wallet(kit, book)
    ending = Ending(kit, wallet, settings.sweep_batch_size)
    reminding = Reminding(kit, settings.sweep_batch_size)

    packs = PackGiving(kit, granting, wallet, watch)

    denials = Denials(kit, watch, fingerprints)
    scoring = Scoring(kit, guarding, fingerprints, cases, settings)
    reviewing = Reviewing(kit, ending, denials)
    batches = CodeBatches(kit, settings.code_chunk_size)
    codes = Codes(kit, granting, guarding)
    redeeming = Redeeming(kit, codes, wallet, guarding, settings.group_commit_max)

    sharing = Sharing(kit, granting, wallet, watch)
    scanning = Scanning(kit, granting, wallet, guarding, settings.time_zone)
    drawing = Drawing(kit, granting, wallet, watch, settings.time_zone)

    quoting = Quoting(kit, book, codes, guarding, settings.time_zone)
    spending = Spending(kit, book, settings.time_zone)
    releasing = Releasing(kit, spending, settings.sweep_batch_size)
    checkouts = Checkouts(kit)
    locking = Locking(kit, quoting, codes, guarding, spending, releasing, checkouts)
    settling = Settling(kit, spending, Relocking(kit, spending), releasing, checkouts)
    refunds = Refunds(kit)
    returning = Returning(kit, book, spending)
    refunding = Refunding(kit, book, returning, Cutting(kit), refunds)
    completing = Completing(kit, book, granting)
    order_messages = OrderMessages(kit, settling, completing, refunding)

    signing = Signing(kit, settings.internal_secret.get_secret_value(), timedelta(days=settings.offline_settle_days))
    store_pricing = StorePricing(quoting, book)
    booking = Booking(kit, releasing)
    showing = Showing(kit, signing, store_pricing, settings)

    app = create_app(
        kit,
        routers=[
            room.router
            for room in (
                templates_api,
                promotions_api,
                wallet_api,
                packs_api,
                codes_api,
                sharing_api,
                scanning_api,
                draws_api,
                pricing_api,
                checkout_api,
                refunds_api,
                redemption_api,
                cash_back_api,
                orders_api,
                abuse_api,
                audit_api,
            )
        ],
        provides=[
            Templates(kit, book),
            Promotions(kit, book),
            wallet,
            ending,
            jobs,
            codes,
            batches,
            Downloads(kit, batches),
            PublicCodes(kit),
            Receiving(kit, jobs),
            ClaimCentre(kit, granting),
            ShareOffers(kit),
            sharing,
            ClaimCodes(kit, settings.time_zone),
            scanning,
            Draws(kit),
            drawing,
            Proving(kit),
            Packs(kit),
            packs,
            quoting,
            Previewing(kit, book, quoting),
            checkouts,
            locking,
            settling,
            refunds,
            refunding,
            signing,
            showing,
            StoreRedeeming(kit, signing, store_pricing, booking, guarding),
            Reversing(kit, returning, settings.time_zone),
            OfflineSettling(kit, signing, booking, guarding, settings),
            Redemptions(kit),
            completing,
            CashBacks(kit),
            OrderMessageLog(kit),
            VelocityRules(kit, watch),
            denials,
            reviewing,
            Audit(kit),
        ],
        hot_routes=[wallet_api.claim_route(claiming), codes_api.redeem_route(redeeming)],
        description=DESCRIPTION,
    )
    return Service(
        kit,
        app,
        subscriptions=[
            Subscription("coupon.journeys", (CouponRequested,), journeys.on_requested),
            Subscription("coupon.segments", (SegmentEntered, SegmentExited), on_membership),
            Subscription("coupon.packs", (ProfileCreated,), packs.on_profile),
            Subscription(CONSUMER, (OrderPaid, OrderCancelled, OrderCompleted, OrderRefunded), order_messages.on_order),
            Subscription("coupon.customers", (EventsTracked,), on_tracked),
        ],
        loops=[
            Loop("expire locks", releasing.expire_due, settings.sweep_seconds),
            Loop("expire coupons", ending.expire_due, settings.sweep_seconds),
            Loop("return leases", leasing.return_expired, settings.sweep_seconds),
            Loop("remind", reminding.remind_due, settings.sweep_seconds),
            worker.loop,
            Loop("abuse rules", watch.refresh, 1.0),
            Loop("forget guesses", guarding.forget, 60.0),
            Loop("forget velocity", velocity.forget, 60.0),
            Loop("forget tokens", showing.forget, 60.0),
            Loop("score claims", scoring.work, settings.sweep_seconds),
            Loop("forget sightings", scoring.forget, 3600.0),
            batches.loop,
        ],
        resources=[leasing.running, claiming.group.running, redeeming.group.running],
    )
