"""The coupon service, put together: this file is its diagram. Each room stands on those that it names.

What a room offers and adds is told by its `room.py`.
"""

from services.coupon.abuse.room import AbuseRoom
from services.coupon.audience.room import AudienceRoom
from services.coupon.audit.room import AuditRoom
from services.coupon.base import Base
from services.coupon.cash_back.room import CashBackRoom
from services.coupon.checkout.room import CheckoutRoom
from services.coupon.codes.room import CodesRoom
from services.coupon.draws.room import DrawsRoom
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

    # What is on offer, to whom, and who is kept out.
    templates = TemplatesRoom(kit)
    promotions = PromotionsRoom(kit, templates)
    audience = AudienceRoom()
    cases = Cases(kit)
    abuse = AbuseRoom(kit, settings, cases.report)

    # Coupons in wallets, and the ways to them.
    wallet = WalletRoom(kit, settings, templates, abuse)
    packs = PacksRoom(kit, wallet, abuse)
    codes = CodesRoom(kit, settings, wallet, abuse)
    sharing = SharingRoom(kit, wallet, abuse)
    scanning = ScanningRoom(kit, settings, wallet, abuse)
    draws = DrawsRoom(kit, settings, wallet, abuse)

    # Prices, the orders that hold coupons, and what follows from an order.
    pricing = PricingRoom(kit, settings, templates, codes, abuse)
    checkout = CheckoutRoom(kit, settings, templates, pricing, codes, abuse)
    cash_back = CashBackRoom(kit, templates, wallet)
    refunds = RefundsRoom(kit, templates, checkout, cash_back)
    orders = OrdersRoom(kit, checkout, cash_back, refunds)
    redemption = RedemptionRoom(kit, settings, templates, pricing, checkout, refunds, abuse)

    # What is looked at afterwards.
    review = ReviewRoom(kit, settings, cases, abuse, wallet)
    audit = AuditRoom(kit)

    # Loops tick in this order: a lock that ran out gives its coupon back before the wallet looks for what is over.
    first = [templates, promotions, audience, checkout]
    ways = [wallet, packs, codes, sharing, scanning, draws]
    others = [pricing, cash_back, refunds, orders, abuse, redemption, review, audit]
    return join(kit, [*first, *ways, *others], description=DESCRIPTION)
