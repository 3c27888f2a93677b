"""The coupon service, put together: this file is its diagram. Each room stands on those that it names.

What a room offers and adds is told by its `room.py`.
"""

from services.coupon.abuse.room import AbuseRoom
from services.coupon.audience.queries import History
from services.coupon.audience.room import AudienceRoom
from services.coupon.audit.room import AuditRoom
from services.coupon.base import Base
from services.coupon.cash_back.room import CashBackRoom
from services.coupon.checkout.room import CheckoutRoom
from services.coupon.codes.room import CodesRoom
from services.coupon.draws.room import DrawsRoom
from services.coupon.figures.room import FiguresRoom
from services.coupon.orders.room import OrdersRoom
from services.coupon.packs.room import PacksRoom
from services.coupon.pricing.room import PricingRoom
from services.coupon.promotions.room import PromotionsRoom
from services.coupon.redemption.room import RedemptionRoom
from services.coupon.refunds.room import RefundsRoom
from services.coupon.review.cases import Cases
from services.coupon.review.room import ReviewRoom
from services.coupon.scanning.room import ScanningRoom
from services.coupon.settings import CouponSettings
from services.coupon.sharing.room import SharingRoom
from services.coupon.templates.room import TemplatesRoom
from services.coupon.wallet.room import WalletRoom
from shared.clock import Clock
from shared.messaging import Bus
from shared.room import join
from shared.service import Kit, Service

DESCRIPTION = "Offers, coupons in wallets, prices of carts, checkouts that hold coupons."


def create_service(settings: CouponSettings, bus: Bus, clock: Clock) -> Service:
    """The whole service on the given bus and clock. Opens nothing before it runs."""
    kit = Kit.create("coupon", settings, bus, clock, base=Base, migrations="services.coupon.migrations")

    # What a room knows that stands above is handed in as a function: the lower one does not import it.
    cases = Cases(kit)
    history = History([CheckoutRoom.orders_of, RedemptionRoom.orders_of], WalletRoom.first_coupons)

    # What is on offer, to whom, and who is kept out.
    templates = TemplatesRoom(kit, settings, PricingRoom.check_stack)
    promotions = PromotionsRoom(kit, templates)
    audience = AudienceRoom(history, templates)
    abuse = AbuseRoom(kit, settings, cases.report)

    # Coupons in wallets, and the ways to them.
    wallet = WalletRoom(kit, settings, templates, audience, abuse)
    packs = PacksRoom(kit, templates, abuse, wallet)
    codes = CodesRoom(kit, settings, templates, abuse, wallet)
    sharing = SharingRoom(kit, templates, audience, abuse, wallet)
    scanning = ScanningRoom(kit, settings, templates, abuse, wallet)
    draws = DrawsRoom(kit, settings, templates, abuse, wallet)

    # Prices, the orders that hold coupons, and what follows from an order.
    pricing = PricingRoom(kit, settings, templates, promotions, audience, abuse, wallet, codes)
    cash_back = CashBackRoom(kit, templates, wallet, pricing)
    checkout = CheckoutRoom(kit, settings, templates, audience, abuse, wallet, codes, pricing, cash_back)
    refunds = RefundsRoom(kit, templates, wallet, pricing, cash_back, checkout)
    orders = OrdersRoom(kit, checkout, refunds)
    redemption = RedemptionRoom(kit, settings, templates, abuse, wallet, pricing, checkout, refunds)

    # What is looked at afterwards.
    figures = FiguresRoom(kit, templates, wallet, cash_back, checkout, refunds, redemption)
    review = ReviewRoom(kit, settings, cases, templates, audience, abuse, wallet)
    audit = AuditRoom(
        kit,
        templates,
        wallet,
        packs,
        codes,
        sharing,
        scanning,
        draws,
        pricing,
        cash_back,
        checkout,
        refunds,
        redemption,
        review,
    )

    # Loops tick in this order: a lock that ran out gives its coupon back before the wallet looks for what is over.
    first = [templates, promotions, audience, checkout]
    ways = [wallet, packs, codes, sharing, scanning, draws]
    others = [pricing, cash_back, refunds, orders, abuse, redemption, figures, review, audit]
    return join(kit, [*first, *ways, *others], description=DESCRIPTION)
