"""The room of orders' holds on coupons and promotions 锁券."""

from dataclasses import dataclass

from services.coupon.abuse.room import AbuseRoom
from services.coupon.audience.room import AudienceRoom
from services.coupon.cash_back.room import CashBackRoom
from services.coupon.checkout import repository
from services.coupon.checkout.api import router
from services.coupon.checkout.completing import Completing
from services.coupon.checkout.late_payment import LatePayment
from services.coupon.checkout.locking import Locking
from services.coupon.checkout.promotion_usage import PromotionUsage
from services.coupon.checkout.queries import Checkouts
from services.coupon.checkout.releasing import Releasing
from services.coupon.checkout.settling import Settling
from services.coupon.codes.room import CodesRoom
from services.coupon.pricing.room import PricingRoom
from services.coupon.settings import CouponSettings
from services.coupon.templates.room import TemplatesRoom
from services.coupon.wallet.room import WalletRoom
from shared.loops import Loop
from shared.room import Room
from shared.service import Kit


@dataclass(eq=False)
class CheckoutRoom(Room):
    """Offers what orders need of each other: `settling` (commit, rollback), `completing` (cash-back), `releasing` (the end
    of locks) and `promotion_usage` (what promotions count); and `orders_of`, its orders as first orders are counted.
    """

    orders_of = staticmethod(repository.orders_of)
    kit: Kit
    settings: CouponSettings
    templates: TemplatesRoom
    audience: AudienceRoom
    abuse: AbuseRoom
    wallet: WalletRoom
    codes: CodesRoom
    pricing: PricingRoom
    cash_back: CashBackRoom

    def __post_init__(self) -> None:
        self.promotion_usage = PromotionUsage(self.kit, self.templates.cache, self.settings.time_zone)
        self.releasing = Releasing(
            self.kit, self.promotion_usage, self.cash_back.reduction, self.settings.sweep_batch_size
        )
        late_payment = LatePayment(self.kit, self.audience.queries, self.promotion_usage)
        self.settling = Settling(self.kit, self.promotion_usage, late_payment, self.releasing)
        self.completing = Completing(self.kit, self.cash_back.payout)
        locking = Locking(
            self.kit,
            self.pricing.quoting,
            self.codes.resolving,
            self.abuse.attempts,
            self.promotion_usage,
            self.releasing,
        )
        self.routers = [router]
        self.provides = [Checkouts(self.kit), locking, self.settling, self.completing]
        self.loops = [Loop("expire locks", self.releasing.sweep, self.settings.sweep_seconds)]
